#include "catchwater/config/diagnostic.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <utility>

#include <nlohmann/json.hpp>
#include <unistd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

const std::string& FileName(const Place& place) {
  static const std::string kNone;
  return place.source ? place.source->name() : kNone;
}

bool IsSamePlace(const Place& a, const Place& b) {
  return FileName(a) == FileName(b) && a.line == b.line && a.column == b.column;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

// Optimal string alignment: insertions, deletions, replacements and swaps of neighbours.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

Diagnostic& Diagnostics::Error(std::string_view code, const Place& place, std::string message) {
  return Add(Severity::kError, code, place, std::move(message));
}

Diagnostic& Diagnostics::Warning(std::string_view code, const Place& place, std::string message) {
  return Add(Severity::kWarning, code, place, std::move(message));
}

Diagnostic& Diagnostics::Add(Severity severity, std::string_view code, const Place& place,
                             std::string message) {
  Diagnostic added{severity, std::string(code), std::move(message), place, {}, {}, {}};
  for (const Diagnostic& other : all_) {
    if (other.code != added.code || !IsSamePlace(other.place, place)) continue;
    if (other.message == added.message) return surplus_ = std::move(added);
  }
  ++(severity == Severity::kError ? error_count_ : warning_count_);
  if (all_.size() >= kKeptMax) return surplus_ = std::move(added);
  return all_.emplace_back(std::move(added));
}

void Diagnostics::Append(const Diagnostics& other) {
  int64_t unseen_errors = other.error_count_, unseen_warnings = other.warning_count_;
  for (const Diagnostic& diagnostic : other.all_) {
    --(diagnostic.severity == Severity::kError ? unseen_errors : unseen_warnings);
    Add(diagnostic.severity, diagnostic.code, diagnostic.place, diagnostic.message) = diagnostic;
  }
  error_count_ += unseen_errors;
  warning_count_ += unseen_warnings;
}

arrow::Status Diagnostics::ToStatus() const {
  for (const Diagnostic& diagnostic : all_) {
    if (diagnostic.severity != Severity::kError) continue;
    return ConfigError("Configuration is wrong, errors and the first one: ", error_count_, " [",
                       diagnostic.code, "] ", diagnostic.message);
  }
  return arrow::Status::OK();
}

RenderOptions RenderOptionsFor(int file_descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  RenderOptions options;
  options.is_coloured = isatty(file_descriptor) == 1 && (no_color == nullptr || *no_color == 0) &&
                        (terminal == nullptr || std::string_view(terminal) != "dumb");
  return options;
}

nlohmann::ordered_json ToJson(const Diagnostics& diagnostics) {
  auto list = nlohmann::ordered_json::array();
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    list.push_back({
        {"severity", diagnostic.severity == Severity::kError ? "error" : "warning"},
        {"code", diagnostic.code},
        {"message", diagnostic.message},
        {"file", FileName(diagnostic.place)},
        {"line", diagnostic.place.line},
        {"column", diagnostic.place.column},
        {"length", diagnostic.place.length},
        {"label", diagnostic.label},
        {"notes", diagnostic.notes},
        {"helps", diagnostic.helps},
    });
  }
  return {
      {"diagnostics", std::move(list)},
      {"error_count", diagnostics.error_count()},
      {"warning_count", diagnostics.warning_count()},
  };
}

std::string_view Nearest(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr size_t kWordBytesMax = 200;  // The distance is quadratic.
  std::string_view best;
  size_t best_distance = SIZE_MAX;
  if (word.size() > kWordBytesMax) return best;
  const std::string lower = Lower(word);
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(lower, Lower(candidate));
    const size_t distance_max = std::max<size_t>(1, std::max(word.size(), candidate.size()) / 3);
    // One letter is near to every other one: that is no hint.
    if (distance > distance_max || distance >= candidate.size()) continue;
    if (distance >= best_distance) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

}  // namespace catchwater
