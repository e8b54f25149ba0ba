#include "catchwater/source/http_poll/poll_plan.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

using Json = nlohmann::json;

/// Replaces `{name}`; values are encoded unless they stand for a whole URL.
std::string Fill(std::string_view text,
                 const std::vector<std::pair<std::string, std::string>>& values, bool is_encoded) {
  std::string filled;
  while (!text.empty()) {
    const size_t open = text.find('{');
    filled += text.substr(0, open);
    if (open == text.npos) break;
    const size_t close = text.find('}', open);
    if (close == text.npos) break;
    const std::string_view name = text.substr(open + 1, close - open - 1);
    for (const auto& [known, value] : values) {
      if (known == name) filled += is_encoded ? EncodeForUrl(value) : value;
    }
    text.remove_prefix(close + 1);
  }
  return filled;
}

/// What the pointer leads to, or null. An empty pointer is the whole.
const Json* Find(const Json& json, const std::string& pointer) {
  if (pointer.empty()) return &json;
  try {
    const Json::json_pointer path(pointer);
    return json.contains(path) ? &json.at(path) : nullptr;
  } catch (const Json::exception&) {  // No pointer, or one that no such value has.
    return nullptr;
  }
}

std::string TextOf(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  return json.is_null() || json.is_boolean() ? std::string() : json.dump();
}

bool IsLess(const Json& a, const Json& b) {
  if (a.is_number() && b.is_number()) return a < b;
  return TextOf(a) < TextOf(b);
}

/// The URL of `rel="next"`; empty without one. Source: RFC 8288, section 3.
std::string NextLink(const HttpResponse& answer) {
  for (const HttpHeader& header : answer.headers) {
    if (header.name != "link") continue;
    std::string_view text = header.value;
    for (size_t open = text.find('<'); open != text.npos; open = text.find('<')) {
      const size_t close = text.find('>', open);
      if (close == text.npos) break;
      const size_t end = std::min(text.find('<', close), text.size());
      const std::string_view parameters = text.substr(close, end - close);
      const bool is_next = parameters.find("rel=\"next\"") != parameters.npos ||
                           parameters.find("rel=next") != parameters.npos;
      if (is_next) return std::string(text.substr(open + 1, close - open - 1));
      text.remove_prefix(end);
    }
  }
  return {};
}

std::string_view OriginOf(std::string_view url) {
  const size_t scheme = url.find("://");
  if (scheme == url.npos) return {};
  return url.substr(0, url.find_first_of("/?#", scheme + 3));
}

/// An absolute URL of the same server. \retval kBadData another server, to which no key may go
arrow::Result<std::string> ResolveLink(std::string_view base, const std::string& link) {
  if (link.empty()) return link;
  if (link.find("://") != link.npos) {
    if (OriginOf(link) == OriginOf(base)) return link;
    return BadData("Next page is on another server, URL: ", ShownUrl(link));
  }
  if (link.starts_with('/')) return std::string(OriginOf(base)) + link;
  const std::string_view path = base.substr(0, base.find_first_of("?#"));
  if (link.starts_with('?')) return std::string(path) + link;
  return std::string(path.substr(0, path.rfind('/') + 1)) + link;
}

arrow::Result<const Json*> ItemsOf(const Json& json, const std::string& pointer) {
  const Json* items = Find(json, pointer);
  if (items != nullptr && items->is_array()) return items;
  return BadData("Answer has no list of items at the JSON pointer: `", pointer, "`");
}

arrow::Status MoveCursor(const PollCursorConfig& config, const Json& json, PollState* state) {
  ARROW_ASSIGN_OR_RAISE(const Json* items, ItemsOf(json, config.items));
  // The old cursor takes part as what the values are: numbers compare as numbers.
  const std::string& before = state->cursor_seen.empty() ? state->cursor : state->cursor_seen;
  Json largest = before;
  const Json known = Json::parse(before, nullptr, /*allow_exceptions=*/false);
  for (const Json& item : *items) {
    if (!item.is_object() || !item.contains(config.field)) continue;
    const Json& value = item.at(config.field);
    if (value.is_number() && known.is_number() && largest.is_string()) largest = known;
    if (TextOf(largest).empty() || IsLess(largest, value)) largest = value;
  }
  state->cursor_seen = TextOf(largest);
  return arrow::Status::OK();
}

arrow::Status MovePage(const PollPageConfig& config, const HttpResponse& answer, const Json& json,
                       std::string_view url, PollState* state) {
  std::string next;
  switch (config.by) {
    case PageKind::kNone:
      break;
    case PageKind::kNumber: {
      ARROW_ASSIGN_OR_RAISE(const Json* items, ItemsOf(json, config.items));
      if (items->empty()) break;
      int64_t number = config.first;
      std::from_chars(state->page.data(), state->page.data() + state->page.size(), number);
      next = std::to_string(number + 1);
      break;
    }
    case PageKind::kCursor: {
      const Json* found = Find(json, config.next);
      if (found != nullptr) next = TextOf(*found);
      break;
    }
    case PageKind::kLink: {
      next = NextLink(answer);
      const Json* found = next.empty() && !json.is_discarded() ? Find(json, config.next) : nullptr;
      if (found != nullptr) next = TextOf(*found);
      ARROW_ASSIGN_OR_RAISE(next, ResolveLink(url, next));
      break;
    }
  }
  if (!next.empty() && next == state->page) {
    return BadData("Next page is the page itself, URL: ", ShownUrl(url));
  }
  if (!next.empty() && ++state->page_count >= config.pages_max) {
    return BadData("More pages than `page.pages_max`, limit and URL: ", config.pages_max, " ",
                   ShownUrl(url));
  }
  state->page = std::move(next);
  if (!state->page.empty()) return arrow::Status::OK();
  state->page_count = 0;
  if (!state->cursor_seen.empty()) state->cursor = std::exchange(state->cursor_seen, {});
  return arrow::Status::OK();
}

}  // namespace

std::string PollState::ToJson() const {
  const Json json{
      {"cursor", cursor},  {"seen", cursor_seen},    {"etag", etag}, {"modified", last_modified},
      {"hash", body_hash}, {"polled_us", polled_us}, {"page", page}, {"page_count", page_count}};
  return json.dump(-1, ' ', /*ensure_ascii=*/true, Json::error_handler_t::replace);
}

arrow::Result<PollState> PollState::FromJson(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return BadData("State of polling cannot be read");
  PollState state;
  const auto take = [&json](const char* name, std::string* into) {
    if (json.contains(name) && json.at(name).is_string()) *into = json.at(name).get<std::string>();
  };
  const auto take_number = [&json](const char* name, int64_t* into) {
    if (json.contains(name) && json.at(name).is_number_integer())
      *into = json.at(name).get<int64_t>();
  };
  take("cursor", &state.cursor);
  take("seen", &state.cursor_seen);
  take("etag", &state.etag);
  take("modified", &state.last_modified);
  take("hash", &state.body_hash);
  take("page", &state.page);
  take_number("polled_us", &state.polled_us);
  take_number("page_count", &state.page_count);
  return state;
}

arrow::Result<std::vector<std::string>> TemplateNames(std::string_view text) {
  std::vector<std::string> names;
  for (size_t open = text.find('{'); open != text.npos; open = text.find('{')) {
    const size_t close = text.find('}', open);
    if (close == text.npos) return ConfigError("`{` is not closed by `}`: ", text);
    names.emplace_back(text.substr(open + 1, close - open - 1));
    text.remove_prefix(close + 1);
  }
  return names;
}

std::string NextUrl(const PollTemplate& what, const std::pair<std::string, std::string>& item,
                    const PollState& state) {
  if (what.page.by == PageKind::kLink && !state.page.empty()) return state.page;
  const std::string cursor =
      state.cursor.empty() && what.cursor ? what.cursor->start : state.cursor;
  const std::vector<std::pair<std::string, std::string>> values{item, {"cursor", cursor}};
  std::string url = Fill(what.url, values, /*is_encoded=*/true);
  const auto add = [&url](const std::string& name, const std::string& value) {
    url += (url.find('?') == url.npos ? "?" : "&") + EncodeForUrl(name) + "=" + EncodeForUrl(value);
  };
  for (const auto& [name, value] : what.query) {
    const std::string filled = Fill(value, values, /*is_encoded=*/false);
    if (!filled.empty()) add(name, filled);
  }
  if (what.page.by == PageKind::kNumber) {
    add(what.page.parameter, state.page.empty() ? std::to_string(what.page.first) : state.page);
  } else if (what.page.by == PageKind::kCursor && !state.page.empty()) {
    add(what.page.parameter, state.page);
  }
  return url;
}

arrow::Status MovePast(const PollTemplate& what, const HttpResponse& answer, std::string_view url,
                       PollState* state) {
  if (state->page.empty()) {  // Of the first page; a later one would not tell of new rows.
    state->etag = std::string(answer.Header("etag"));
    state->last_modified = std::string(answer.Header("last-modified"));
  }
  const bool needs_json =
      what.cursor || what.page.by == PageKind::kNumber || what.page.by == PageKind::kCursor;
  Json json(Json::value_t::discarded);
  if (needs_json || what.page.by == PageKind::kLink) {
    json = Json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
  }
  if (needs_json && json.is_discarded()) {
    return BadData("Answer is no JSON, which `page` and `cursor` need, URL: ", ShownUrl(url));
  }
  if (what.cursor) ARROW_RETURN_NOT_OK(MoveCursor(*what.cursor, json, state));
  return MovePage(what.page, answer, json, url, state);
}

}  // namespace catchwater
