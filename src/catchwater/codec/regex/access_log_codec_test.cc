#include "catchwater/codec/regex/access_log_codec.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/regex/log_format.h"
#include "catchwater/testing/codec_conformance.h"
#include "catchwater/testing/decode_text.h"

namespace catchwater {
namespace {

// The example of the documents: httpd.apache.org/docs/2.4/logs.html, "Access Log".
constexpr std::string_view kCommonLine =
    R"(127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326)";
constexpr std::string_view kRest =
    R"~( "http://www.example.com/start.html" "Mozilla/4.08 [en] (Win98; I ;Nav)")~";

std::unique_ptr<Codec> MakeCodec(const std::string& format) {
  return MakeAccessLogCodec({.format = format}).ValueOrDie();
}

std::vector<Column> Columns(const std::vector<std::string>& names) {
  std::vector<Column> columns;
  for (const std::string& name : names) {
    ColumnType type = ColumnType::kString;
    if (name == "time") type = ColumnType::kTimestamp;
    if (name == "status" || name == "bytes") type = ColumnType::kInt64;
    if (name == "duration_s") type = ColumnType::kFloat64;
    columns.push_back(MakeColumn(name, type));
  }
  return columns;
}

std::string Decode(const std::string& format, const std::vector<std::string>& names,
                   const std::string& text) {
  const auto decoded = DecodePartition(*MakeCodec(format), MakeOptions(Columns(names)), text);
  if (!decoded.ok()) return decoded.status().message();
  std::string result = RowsAsText(*decoded->rows);
  for (const DeadLetter& letter : decoded->dead) {
    result += " !" + std::to_string(letter.line) + " " + letter.rule + " " + letter.field;
  }
  return result;
}

TEST(AccessLogCodec, Conforms) {
  std::string text;
  text += std::string(kCommonLine) + std::string(kRest) + "\n\n";
  text += std::string(kCommonLine) + "\n";
  text += R"(::1 - - [31/Dec/2024:23:59:59 +0000] "-" 408 - "-" "-")"
          "\r\n";
  text += R"(::1 - - [31/Feb/2024:23:59:59 +0000] "GET / HTTP/1.1" 200 1 "-" "a \"b\" \\ \xC3\xA9")"
          "\n";
  text += "1.2.3.4 - - [01/Jan/2025:00:00:00 +0100] \"GET /\xFF HTTP/1.1\" 404 0 \"-\" \"x\"\n";
  ExpectCodecConforms(
      {.codec = *MakeCodec("combined"),
       .options = MakeOptions(Columns({"time", "remote_host", "path", "status", "user_agent"})),
       .text = text});
}

TEST(AccessLogCodec, ReadsWhatTheDocumentsShow) {
  const std::vector<std::string> names = {"remote_host", "ident",    "user",   "time", "method",
                                          "path",        "protocol", "status", "bytes"};
  const std::string row =
      "127.0.0.1|null|frank|2000-10-10 20:55:36.000000Z|GET|/apache_pb.gif|HTTP/1.0|200|2326";
  EXPECT_EQ(Decode("common", names, std::string(kCommonLine)), row);
  EXPECT_EQ(Decode("combined", names, std::string(kCommonLine) + std::string(kRest)), row);
  EXPECT_EQ(
      Decode("combined", {"referer", "user_agent"}, std::string(kCommonLine) + std::string(kRest)),
      "http://www.example.com/start.html|Mozilla/4.08 [en] (Win98; I ;Nav)");
  EXPECT_EQ(Decode("combined", names, std::string(kCommonLine)), " !1 access_log.match ");
}

TEST(AccessLogCodec, KeepsWhatIsNoRequest) {
  const auto line = [](const std::string& request) {
    return "::1 - - [31/Dec/2024:23:59:59 +0000] \"" + request + "\" 400 -\n";
  };
  EXPECT_EQ(Decode("common", {"request", "method", "path", "bytes"},
                   line("-") + line("") + line(R"(\x16\x03\x01)") + line("GET /a b HTTP/1.1") +
                       line(R"(GET /\"x\" HTTP/1.1)") + line("GET /old")),
            "null|null|null|null; |null|null|null; \x16\x03\x01|null|null|null; "
            "GET /a b HTTP/1.1|null|null|null; GET /\"x\" HTTP/1.1|GET|/\"x\"|null; "
            "GET /old|GET|/old|null");
}

TEST(AccessLogCodec, ReadsFormatsOfItsOwn) {
  EXPECT_EQ(
      Decode(R"($remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent )"
             R"("$http_referer" "$http_user_agent" $request_time ${upstream_addr})",
             {"remote_host", "time", "path", "bytes", "duration_s", "upstream_addr"},
             R"(10.0.0.1 - - [05/Mar/2026:07:08:09 +0530] "POST /v1/a?b=c HTTP/2.0" 201 17 "-" )"
             R"("curl/8" 0.012 10.0.0.2:80)"),
      "10.0.0.1|2026-03-05 01:38:09.000000Z|/v1/a?b=c|17|0.012|10.0.0.2:80");
  EXPECT_EQ(Decode(R"(%{X-Forwarded-For}i|%{usec}t|%D|%<s|%>s|%m|%U%%)",
                   {"x_forwarded_for", "time", "duration_us", "status_original", "status", "path"},
                   "a b|1700000000000001|12|200|404|GET|/x%"),
            "a b|2023-11-14 22:13:20.000001Z|12|200|404|/x");
  EXPECT_EQ(Decode(R"(%h %{%Y-%m-%d %H:%M}t "%r" %m)", {"time", "method", "path"},
                   R"(h 2026-01-02 03:04 "GET /a HTTP/1.1" PUT)"),
            " !1 access_log.match ");
  EXPECT_EQ(Decode(R"(%h [%{%Y-%m-%d %H:%M}t] "%r" %m)", {"time", "method", "path"},
                   R"(h [2026-01-02 03:04] "GET /a HTTP/1.1" PUT)"),
            "2026-01-02 03:04:00.000000Z|PUT|/a");
}

TEST(AccessLogCodec, RefusesFormatsThatMakeNoSense) {
  for (const std::string_view format :
       {"", "wide", "%h %h", "%h%l", "$status$bytes_sent", "%y", "%{a", "%{a}y", "${a", "$ a"}) {
    const auto status = ParseLogFormat(format).status();
    ASSERT_FALSE(status.ok()) << format;
    EXPECT_EQ(KindOf(status), ErrorKind::kConfig) << format;
  }
  AccessLogConfig config;
  EXPECT_TRUE(config.Check().ok());
  config.format = "nothing";
  EXPECT_FALSE(config.Check().ok());
}

}  // namespace
}  // namespace catchwater
