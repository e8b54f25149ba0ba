#include "catchwater/config/environment.h"

#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <system_error>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

arrow::Result<std::string> ReadSecretFile(const std::filesystem::path& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return NotFound("Secret file is missing or no regular file: ", path.string());
  }
  const auto byte_count = std::filesystem::file_size(path, error);
  if (error || byte_count > static_cast<uintmax_t>(kSecretFileBytesMax)) {
    return ConfigError("Secret file is larger than 64 KiB: ", path.string());
  }
  std::ifstream in(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (!in && !in.eof()) return Denied("Secret file cannot be read: ", path.string());
  if (!in.is_open()) return Denied("Secret file cannot be opened: ", path.string());
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

bool IsVariableName(std::string_view text) {
  if (text.empty() || std::isdigit(static_cast<unsigned char>(text[0])) != 0) return false;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && c != '_') return false;
  }
  return true;
}

struct Replacement {
  std::string text;
  std::string code;  // Empty: it worked.
  std::string message;
  std::string help;
};

Replacement Fail(std::string code, std::string message, std::string help) {
  return {{}, std::move(code), std::move(message), std::move(help)};
}

// `inside` is what stands between `${` and `}`.
Replacement Replace(std::string_view inside, const Environment& environment) {
  const size_t colon = inside.find(':');
  const std::string name(inside.substr(0, colon));
  const bool has_colon = colon != inside.npos;
  const std::string rest(has_colon ? inside.substr(colon + 1) : std::string_view());
  if (name == "file" && has_colon) {
    auto content = environment.file(rest);
    if (content.ok()) return {std::move(*content), {}, {}, {}};
    return Fail("E1008", "secret file `" + rest + "` cannot be read",
                content.status().message() + "; relative paths begin at the project folder");
  }
  if (!IsVariableName(name)) {
    return Fail("E1007", "`${" + std::string(inside) + "}` does not name a variable",
                "write `${NAME}`, `${NAME:default}`, `${NAME:?message}`, `${file:path}`, or `$${` "
                "for a literal `${`");
  }
  if (auto value = environment.variable(name)) return {std::move(*value), {}, {}, {}};
  if (has_colon && !rest.starts_with('?')) return {rest, {}, {}, {}};
  std::string message = "variable `" + name + "` is not set";
  if (rest.size() > 1) message += ": " + rest.substr(1);
  return Fail("E1006", std::move(message),
              "set it (`export " + name + "=...`) or give a default: `${" + name + ":default}`");
}

}  // namespace

Environment Environment::FromProcess(std::string folder) {
  Environment environment;
  environment.variable = [](std::string_view name) -> std::optional<std::string> {
    const char* value = std::getenv(std::string(name).c_str());
    if (value == nullptr) return std::nullopt;
    return std::string(value);
  };
  environment.file = [folder = std::move(folder)](std::string_view path) {
    return ReadSecretFile(std::filesystem::path(folder) / path);
  };
  return environment;
}

Environment Environment::FromMap(std::map<std::string, std::string> variables,
                                 std::map<std::string, std::string> files) {
  Environment environment;
  environment.variable =
      [variables = std::move(variables)](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
  environment.file = [files =
                          std::move(files)](std::string_view path) -> arrow::Result<std::string> {
    const auto found = files.find(std::string(path));
    if (found == files.end()) return NotFound("Secret file is missing: ", path);
    return found->second;
  };
  return environment;
}

Substituted Substitute(std::string_view raw, const Environment& environment) {
  Substituted result;
  size_t done = 0;
  for (size_t at = raw.find("${"); at != raw.npos; at = raw.find("${", done)) {
    if (at > done && raw[at - 1] == '$') {
      result.text.append(raw.substr(done, at - 1 - done)).append("${");
      done = at + 2;
      continue;
    }
    result.text.append(raw.substr(done, at - done));
    const size_t close = raw.find('}', at);
    if (close == raw.npos) {
      result.failure = {"E1007", "`${` is not closed by `}`", at, 2,
                        "write `$${` for a literal `${`"};
      return result;
    }
    Replacement found = Replace(raw.substr(at + 2, close - at - 2), environment);
    if (!found.code.empty()) {
      result.failure = {std::move(found.code), std::move(found.message), at, close + 1 - at,
                        std::move(found.help)};
      return result;
    }
    result.text += found.text;
    result.is_substituted = true;
    done = close + 1;
  }
  result.text.append(raw.substr(done));
  return result;
}

}  // namespace catchwater
