#include "catchwater/config/error_codes.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

bool IsCode(std::string_view text) {
  return text.size() == 5 && text[0] == 'E' &&
         std::all_of(text.begin() + 1, text.end(),
                     [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; });
}

}  // namespace

ErrorCodeTable ErrorCodeTable::WithConfigCodes() {
  ErrorCodeTable table;
  for (ErrorCode& code : ConfigErrorCodes()) {
    const arrow::Status status = table.Add(std::move(code));
    CATCHWATER_CHECK(status.ok(), "the table of config codes is well formed");
  }
  return table;
}

arrow::Status ErrorCodeTable::Add(ErrorCode code) {
  if (!IsCode(code.code)) return ConfigError("Error code is not E and four digits: ", code.code);
  if (code.title.empty() || code.explanation.empty() || code.remedy.empty()) {
    return ConfigError("Error code has no title, explanation or remedy: ", code.code);
  }
  const auto at =
      std::lower_bound(codes_.begin(), codes_.end(), code,
                       [](const ErrorCode& a, const ErrorCode& b) { return a.code < b.code; });
  if (at != codes_.end() && at->code == code.code) {
    return AlreadyExists("Error code is in the table already: ", code.code);
  }
  codes_.insert(at, std::move(code));
  return arrow::Status::OK();
}

const ErrorCode* ErrorCodeTable::Find(std::string_view code) const {
  std::string wanted(code);
  if (!wanted.empty() && wanted[0] == 'e') wanted[0] = 'E';
  if (!wanted.empty() && wanted[0] != 'E') wanted.insert(0, "E");
  for (const ErrorCode& row : codes_) {
    if (row.code == wanted) return &row;
  }
  return nullptr;
}

std::string ErrorCodePage(const ErrorCode& code) {
  std::string page = "## " + code.code + ": " + code.title + "\n\n" + code.explanation + "\n\n";
  if (!code.example.empty()) page += "```yaml\n" + code.example + "\n```\n\n";
  return page + "**What to do:** " + code.remedy + "\n";
}

std::string ErrorCodesPage(const ErrorCodeTable& table) {
  std::string page =
      "# Error codes\n\nWritten by `catchwater doc --all`. `catchwater doc E1203` prints one of "
      "them.\n";
  for (const ErrorCode& code : table.all()) page += "\n" + ErrorCodePage(code);
  return page;
}

}  // namespace catchwater
