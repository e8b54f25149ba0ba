/// \file
/// What is asked next: URLs from templates, and what an answer says about the pages and rows to
/// come. Pure: no clock, no I/O.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/config/describe.h"
#include "catchwater/io/http_client.h"

namespace catchwater {

enum class PageKind { kNone, kNumber, kCursor, kLink };
constexpr auto EnumWords(PageKind) {
  using Pair = std::pair<PageKind, std::string_view>;
  return std::array{Pair{PageKind::kNone, "none"}, Pair{PageKind::kNumber, "number"},
                    Pair{PageKind::kCursor, "cursor"}, Pair{PageKind::kLink, "link"}};
}

struct PollPageConfig {
  PageKind by = PageKind::kNone;
  std::string parameter = "page";
  int64_t first = 1;
  std::string next = "/next";
  std::string items;
  int64_t pages_max = 1'000;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Optional("by", by,
                   "`number`: the parameter counts up until a page has no `items`; `cursor`: the "
                   "answer names the parameter's next value; `link`: the header `Link` with "
                   "`rel=\"next\"`, or the answer, names the next URL.");
    field.Optional("parameter", parameter, "Name of the query parameter.");
    field.Optional("first", first, "Number of the first page.", Bounds{0, 1'000'000});
    field.Optional("next", next, "JSON pointer to the next cursor or URL.", Example{"/meta/next"});
    field.Optional("items", items,
                   "JSON pointer to the list of items; empty: the answer is the list.",
                   Example{"/items"});
    field.Optional("pages_max", pages_max, "More pages than this are an error.",
                   Bounds{1, 1'000'000});
  }
};

struct PollCursorConfig {
  std::string items;
  std::string field;
  std::string start;

  template <class Visitor>
  void Describe(Visitor& field_of) {
    field_of.Optional("items", items,
                      "JSON pointer to the list of items; empty: the answer is the list.",
                      Example{"/items"});
    field_of.Required("field", field, "Field of an item whose largest value is remembered.",
                      Example{"updated_at"});
    field_of.Optional("start", start, "What `{cursor}` is before the first answer.");
  }
};

/// Where the polling of one item stands. Kept beside each answer, so that both are durable at once.
struct PollState {
  std::string cursor;       ///< What a round asks with; stays until it ends.
  std::string cursor_seen;  ///< The largest of the round so far.
  std::string etag;
  std::string last_modified;
  std::string body_hash;  ///< Of the last answer to the first page.
  int64_t polled_us = 0;
  std::string page;  ///< Of a round that is not ended: number, cursor or URL of the next page.
  int64_t page_count = 0;

  std::string ToJson() const;
  /// \retval kBadData
  static arrow::Result<PollState> FromJson(std::string_view text);
};

struct PollTemplate {
  std::string url;
  std::vector<std::pair<std::string, std::string>> query;
  PollPageConfig page;
  std::optional<PollCursorConfig> cursor;
};

/// The names in `{...}` of a text. \retval kConfig a brace is not closed
arrow::Result<std::vector<std::string>> TemplateNames(std::string_view text);

/// The URL of the next page. `item` is the name and value of the list, the name empty without one.
std::string NextUrl(const PollTemplate& what, const std::pair<std::string, std::string>& item,
                    const PollState& state);

/// Moves the state past an answer (status 200). `page` is empty after the last page of a round.
/// \retval kBadData the answer is not what the configuration says; too many pages
arrow::Status MovePast(const PollTemplate& what, const HttpResponse& answer, std::string_view url,
                       PollState* state);

}  // namespace catchwater
