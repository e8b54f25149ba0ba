// Render(): diagnostics for people. The form is that of docs/guide, "Reading an error".
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "catchwater/config/diagnostic.h"
#include "catchwater/security/secret.h"

namespace catchwater {
namespace {

constexpr size_t kLineBytesMax = 160;  // Longer lines are shown around the place.
constexpr size_t kBytesBeforePlace = 60;

constexpr std::string_view kBoldRed = "\x1b[1;31m";
constexpr std::string_view kBoldYellow = "\x1b[1;33m";
constexpr std::string_view kBoldBlue = "\x1b[1;34m";
constexpr std::string_view kBold = "\x1b[1m";
constexpr std::string_view kReset = "\x1b[0m";

bool IsContinuationByte(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// The visible part of a source line, and where the place is in it.
struct Excerpt {
  std::string line;
  size_t begin = 0;  // In bytes of `line`.
  size_t length = 1;
};

// Terminals obey control characters: none may come out of a file.
std::string WithoutControls(std::string text) {
  for (char& c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F) c = '?';
  }
  return text;
}

Excerpt ExcerptOf(const Place& place) {
  const std::string original = WithoutControls(std::string(place.source->Line(place.line)));
  Excerpt excerpt{MaskSecrets(original),
                  static_cast<size_t>(std::max<int64_t>(place.column, 1)) - 1,
                  static_cast<size_t>(std::max<int64_t>(place.length, 1))};
  if (excerpt.line != original) {
    // What stands behind a mask has moved: point at the mask.
    const auto differs =
        std::mismatch(excerpt.line.begin(), excerpt.line.end(), original.begin(), original.end());
    const auto mask = static_cast<size_t>(differs.first - excerpt.line.begin());
    if (excerpt.begin + excerpt.length > mask) {
      excerpt.begin = std::min(excerpt.begin, mask);
      excerpt.length = mask + 3 - excerpt.begin;
    }
  }
  excerpt.begin = std::min(excerpt.begin, excerpt.line.size());
  if (excerpt.line.size() > kLineBytesMax) {
    size_t from = excerpt.begin > kBytesBeforePlace ? excerpt.begin - kBytesBeforePlace : 0;
    // At most three: the line may not be UTF-8, which may be the very error.
    for (int i = 0; i < 3 && from > 0 && IsContinuationByte(excerpt.line[from]); ++i) --from;
    size_t to = std::min(from + kLineBytesMax, excerpt.line.size());
    for (int i = 0; i < 3 && to < excerpt.line.size() && IsContinuationByte(excerpt.line[to]);
         ++i) {
      ++to;
    }
    const bool is_cut_behind = to < excerpt.line.size();
    excerpt.line = (from > 0 ? "..." : "") + excerpt.line.substr(from, to - from) +
                   (is_cut_behind ? "..." : "");
    excerpt.begin = excerpt.begin - from + (from > 0 ? 3 : 0);
  }
  const size_t rest = excerpt.line.size() - excerpt.begin;
  excerpt.length = std::clamp<size_t>(excerpt.length, 1, std::max<size_t>(rest, 1));
  return excerpt;
}

// Blanks as wide as the text: tabs stay tabs, a character of several bytes is one blank.
std::string Padding(std::string_view text) {
  std::string padding;
  for (const char c : text) {
    if (!IsContinuationByte(c)) padding += c == '\t' ? '\t' : ' ';
  }
  return padding;
}

size_t CharacterCount(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuationByte(c); }));
}

class Renderer {
 public:
  explicit Renderer(const RenderOptions& options) : options_(options) {}

  void Write(const Diagnostic& diagnostic) {
    const bool is_error = diagnostic.severity == Severity::kError;
    const std::string_view colour = is_error ? kBoldRed : kBoldYellow;
    if (!text_.empty()) text_ += '\n';
    Coloured(colour, std::string(is_error ? "error[" : "warning[") + diagnostic.code + "]");
    Coloured(kBold, ": " + WithoutControls(diagnostic.message));
    text_ += '\n';
    const size_t width =
        diagnostic.place.line > 0 ? std::to_string(diagnostic.place.line).size() : 1;
    margin_ = std::string(width, ' ');
    WritePlace(diagnostic, colour);
    for (const std::string& note : diagnostic.notes) WriteFooter("note", note);
    for (const std::string& help : diagnostic.helps) WriteFooter("help", help);
    WriteFooter("help", "`catchwater doc " + diagnostic.code + "` explains this");
  }

  void WriteCounts(const Diagnostics& diagnostics) {
    const auto counted = [](int64_t count, std::string_view word) {
      return std::to_string(count).append(" ").append(word).append(count == 1 ? "" : "s");
    };
    std::string line;
    if (diagnostics.error_count() > 0) line = counted(diagnostics.error_count(), "error");
    if (diagnostics.warning_count() > 0) {
      if (!line.empty()) line += ", ";
      line += counted(diagnostics.warning_count(), "warning");
    }
    const int64_t total = diagnostics.error_count() + diagnostics.warning_count();
    const auto shown = static_cast<int64_t>(diagnostics.all().size());
    // What stands in a file that is no YAML nobody has looked at.
    const bool is_unread =
        std::any_of(diagnostics.all().begin(), diagnostics.all().end(),
                    [](const Diagnostic& diagnostic) { return diagnostic.code == "E1001"; });
    if (shown < total) {
      line += " (" + std::to_string(shown) + " shown).";
    } else {
      line += is_unread ? " (more may show once that can be read)." : " (all shown).";
    }
    if (diagnostics.has_errors()) line += " " + options_.conclusion;
    text_ += '\n' + line + '\n';
  }

  std::string Take() { return std::move(text_); }

 private:
  void Coloured(std::string_view colour, std::string_view words) {
    if (options_.is_coloured) text_ += colour;
    text_ += words;
    if (options_.is_coloured) text_ += kReset;
  }

  void WritePlace(const Diagnostic& diagnostic, std::string_view colour) {
    const Place& place = diagnostic.place;
    if (!place.source) return;
    text_ += margin_;
    Coloured(kBoldBlue, "-->");
    text_ += " " + WithoutControls(place.source->name());
    if (place.line == 0) {
      text_ += '\n';
      return;
    }
    const std::string_view line = place.source->Line(place.line);
    const auto bytes_before = static_cast<size_t>(std::max<int64_t>(place.column, 1)) - 1;
    const size_t column = CharacterCount(line.substr(0, bytes_before)) + 1;
    text_ += ":" + std::to_string(place.line) + ":" + std::to_string(column) + "\n";
    const Excerpt excerpt = ExcerptOf(place);
    Coloured(kBoldBlue, margin_ + " |");
    text_ += '\n';
    Coloured(kBoldBlue, std::to_string(place.line) + " |");
    text_ += excerpt.line.empty() ? "\n" : " " + excerpt.line + "\n";
    Coloured(kBoldBlue, margin_ + " |");
    const std::string_view shown(excerpt.line);
    text_ += " " + Padding(shown.substr(0, excerpt.begin));
    const size_t carets = CharacterCount(shown.substr(excerpt.begin, excerpt.length));
    std::string pointer(std::max<size_t>(carets, 1), '^');
    if (!diagnostic.label.empty()) pointer += " " + WithoutControls(diagnostic.label);
    Coloured(colour, pointer);
    text_ += '\n';
  }

  void WriteFooter(std::string_view word, const std::string& sentence) {
    text_ += margin_;
    Coloured(kBoldBlue, " =");
    Coloured(kBold, std::string(" ").append(word).append(":"));
    text_ += " " + WithoutControls(sentence) + "\n";
  }

  const RenderOptions& options_;
  std::string text_;
  std::string margin_;
};

}  // namespace

std::string Render(const Diagnostics& diagnostics, const RenderOptions& options) {
  std::vector<const Diagnostic*> sorted;
  for (const Diagnostic& diagnostic : diagnostics.all()) sorted.push_back(&diagnostic);
  const auto key = [](const Diagnostic* diagnostic) {
    const Place& place = diagnostic->place;
    return std::tuple(place.source ? std::string_view(place.source->name()) : std::string_view(),
                      place.line, place.column);
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&key](const Diagnostic* a, const Diagnostic* b) { return key(a) < key(b); });
  Renderer renderer(options);
  for (const Diagnostic* diagnostic : sorted) renderer.Write(*diagnostic);
  if (!sorted.empty() && !options.conclusion.empty()) renderer.WriteCounts(diagnostics);
  return renderer.Take();
}

}  // namespace catchwater
