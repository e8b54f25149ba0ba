#include "catchwater/io/s3/s3_answer.h"

#include <charconv>
#include <optional>

#include "catchwater/base/error.h"
#include "catchwater/base/timestamp.h"

namespace catchwater {
namespace {

constexpr size_t kMessageBytesMax = 300;

/// Takes the content of the next `<name>...</name>` off the front of the text.
std::optional<std::string_view> TakeElement(std::string_view* xml, std::string_view name) {
  const std::string open = "<" + std::string(name) + ">";
  const std::string close = "</" + std::string(name) + ">";
  const size_t begin = xml->find(open);
  if (begin == xml->npos) return std::nullopt;
  const size_t end = xml->find(close, begin + open.size());
  if (end == xml->npos) return std::nullopt;
  const std::string_view content = xml->substr(begin + open.size(), end - begin - open.size());
  xml->remove_prefix(end + close.size());
  return content;
}

void AppendUtf8(uint32_t code, std::string* text) {
  const auto put = [text](uint32_t byte) { text->push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 63));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  } else if (code < 0x110000) {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 63));
    put(0x80 | (code >> 6 & 63));
    put(0x80 | (code & 63));
  }
}

std::string Unescape(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const size_t end = text.front() == '&' ? text.find(';') : text.npos;
    if (end == text.npos) {
      plain.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    const std::string_view entity = text.substr(1, end - 1);
    if (entity == "amp")
      plain.push_back('&');
    else if (entity == "lt")
      plain.push_back('<');
    else if (entity == "gt")
      plain.push_back('>');
    else if (entity == "quot")
      plain.push_back('"');
    else if (entity == "apos")
      plain.push_back('\'');
    else if (entity.starts_with('#')) {
      const bool is_hex = entity.starts_with("#x");
      const std::string_view digits = entity.substr(is_hex ? 2 : 1);
      uint32_t code = 0;
      std::from_chars(digits.data(), digits.data() + digits.size(), code, is_hex ? 16 : 10);
      AppendUtf8(code, &plain);
    }
    text.remove_prefix(end + 1);
  }
  return plain;
}

// Keys may hold bytes that XML cannot: servers that are asked to encode them say so.
std::string DecodeUrl(std::string_view text) {
  std::string plain;
  for (size_t i = 0; i < text.size(); ++i) {
    unsigned int byte = 0;
    if (text[i] == '+') {
      plain.push_back(' ');
    } else if (text[i] == '%' && i + 2 < text.size() &&
               std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr ==
                   text.data() + i + 3) {
      plain.push_back(static_cast<char>(byte));
      i += 2;
    } else {
      plain.push_back(text[i]);
    }
  }
  return plain;
}

}  // namespace

std::string XmlText(std::string_view xml, std::string_view name) {
  const auto content = TakeElement(&xml, name);
  return content ? Unescape(*content) : std::string();
}

arrow::Result<S3Page> ParseS3Page(std::string_view xml) {
  if (xml.find("</ListBucketResult>") == xml.npos) {
    return Unavailable("Answer of the S3 server is no listing, bytes: ", xml.size());
  }
  const bool is_encoded = XmlText(xml, "EncodingType") == "url";
  const auto name_of = [is_encoded](std::string_view element, std::string_view name) {
    const std::string text = XmlText(element, name);
    return is_encoded ? DecodeUrl(text) : text;
  };
  S3Page page;
  std::string_view rest = xml;
  while (const auto element = TakeElement(&rest, "Contents")) {
    S3Object object{.key = name_of(*element, "Key"), .etag = XmlText(*element, "ETag")};
    std::erase(object.etag, '"');
    const std::string size = XmlText(*element, "Size");
    const auto parsed = std::from_chars(size.data(), size.data() + size.size(), object.byte_count);
    const LocalTime time = ToUtc(ParseIso(XmlText(*element, "LastModified")));
    if (object.key.empty() || parsed.ec != std::errc() || time.fault != TimeFault::kNone) {
      return Unavailable("Listing of the S3 server cannot be read at key: ", object.key);
    }
    object.modified_us = time.us;
    page.objects.push_back(std::move(object));
  }
  rest = xml;
  while (const auto element = TakeElement(&rest, "CommonPrefixes")) {
    page.prefixes.push_back(name_of(*element, "Prefix"));
  }
  if (XmlText(xml, "IsTruncated") == "true") {
    page.next_token = XmlText(xml, "NextContinuationToken");
    if (page.next_token.empty()) {
      return Unavailable("Listing of the S3 server goes on but has no token");
    }
  }
  return page;
}

S3Failure ParseS3Failure(const HttpResponse& response) {
  return {.status = response.status,
          .code = XmlText(response.body, "Code"),
          .message = XmlText(response.body, "Message").substr(0, kMessageBytesMax)};
}

}  // namespace catchwater
