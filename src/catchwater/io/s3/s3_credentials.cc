#include "catchwater/io/s3/s3_credentials.h"

#include <map>
#include <utility>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kFileBytesMax = 1 << 20;

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace

arrow::Result<S3Credentials> ParseS3Profile(std::string_view text, std::string_view profile) {
  std::map<std::string, std::string, std::less<>> values;
  bool is_inside = false;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('[') && line.ends_with(']')) {
      is_inside = Trim(line.substr(1, line.size() - 2)) == profile;
      continue;
    }
    const size_t equals = line.find('=');
    if (!is_inside || line.starts_with('#') || line.starts_with(';') || equals == line.npos) {
      continue;
    }
    values[std::string(Trim(line.substr(0, equals)))] = Trim(line.substr(equals + 1));
  }
  if (values["aws_access_key_id"].empty() || values["aws_secret_access_key"].empty()) {
    return ConfigError("Credentials file has no keys for the profile: ", profile);
  }
  return S3Credentials{.access_key_id = values["aws_access_key_id"],
                       .secret_access_key = Secret(values["aws_secret_access_key"]),
                       .session_token = Secret(values["aws_session_token"])};
}

arrow::Result<S3Credentials> FindS3Credentials(Files& files, const VariableLookup& variable) {
  const auto value = [&variable](std::string_view name) {
    return variable(name).value_or(std::string());
  };
  const std::string key_id = value("AWS_ACCESS_KEY_ID");
  if (!key_id.empty()) {
    return S3Credentials{.access_key_id = key_id,
                         .secret_access_key = Secret(value("AWS_SECRET_ACCESS_KEY")),
                         .session_token = Secret(value("AWS_SESSION_TOKEN"))};
  }
  std::string path = value("AWS_SHARED_CREDENTIALS_FILE");
  if (path.empty()) path = value("HOME") + "/.aws/credentials";
  const auto text = files.ReadAll(path, kFileBytesMax);
  if (!text.ok() && KindOf(text.status()) == ErrorKind::kNotFound) {
    return ConfigError(
        "S3 has no credentials; set `s3.access_key_id` and `s3.secret_access_key` in "
        "catchwater.yaml, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or make the file: ",
        path);
  }
  ARROW_RETURN_NOT_OK(text.status());
  const std::string profile = value("AWS_PROFILE");
  return ParseS3Profile(*text, profile.empty() ? "default" : profile);
}

}  // namespace catchwater
