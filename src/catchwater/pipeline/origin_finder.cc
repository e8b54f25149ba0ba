#include "catchwater/pipeline/origin_finder.h"

#include <stop_token>
#include <utility>
#include <variant>

#include "catchwater/base/error.h"
#include "catchwater/pipeline/attribute_columns.h"

namespace catchwater {
namespace {

constexpr int kNotYetMax = 500;  // A source that waits, not one that is slow.
constexpr size_t kNotesMax = 10;

/// The header that a CSV file with the declared columns would have.
std::string DeclaredHeader(const std::vector<Column>& columns) {
  std::string header;
  for (const Column& column : columns) {
    header += (header.empty() ? "" : ",") + (column.from.empty() ? column.name : column.from);
  }
  return header + "\n";
}

}  // namespace

arrow::Status OriginFinder::Discover() {
  offers_.emplace();
  // Looking would mean taking part.
  if (plan_.source.is_live || plan_.source.is_group) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(auto source, plan_.source.make(context_));
  source->SetIdentityAttributes(AttributeColumns(plan_.columns).attribute_names());
  ARROW_ASSIGN_OR_RAISE(const auto offers, source->Discover());
  for (const Offer& offer : offers) offers_->emplace(offer.name, offer);
  return source->Close();
}

arrow::Result<OriginFinder::Found> OriginFinder::FromSource(const Offer& offer) {
  ARROW_ASSIGN_OR_RAISE(auto source, plan_.source.make(context_));
  ARROW_RETURN_NOT_OK(source->Discover().status());
  ARROW_RETURN_NOT_OK(source->Open(offer, /*partition_id=*/0, Position{}));
  for (int tries = 0; tries < kNotYetMax;) {
    ARROW_ASSIGN_OR_RAISE(const NextResult next, source->Next(std::stop_token()));
    if (const auto* block = std::get_if<Block>(&next)) {
      Found found{.preamble = block->preamble, .attributes = offer.attributes};
      ARROW_RETURN_NOT_OK(source->Close());
      return found;
    }
    if (const auto* failed = std::get_if<PartitionFailed>(&next)) return BadData(failed->reason);
    if (!std::holds_alternative<NotYet>(next)) break;
    ++tries;
  }
  return NotFound("Source has no record of it any more: ", offer.name);
}

arrow::Result<OriginFinder::Found> OriginFinder::FromDeclaration(const std::string& origin,
                                                                 std::string_view raw) {
  if (!AttributeColumns(plan_.columns).attribute_names().empty()) {
    return NotFound("Its source is gone, and columns come from its path: ", origin);
  }
  ARROW_ASSIGN_OR_RAISE(auto framer, plan_.codec->MakeFramer(decode_));
  ARROW_ASSIGN_OR_RAISE(Framer::Head head,
                        framer->ReadHead(DeclaredHeader(decode_.columns) + std::string(raw),
                                         /*is_end=*/true));
  if (notes_.size() < kNotesMax) {
    notes_.push_back("header of " + origin +
                     " is gone; the declared columns in their order were taken for it");
  }
  return Found{.preamble = std::move(head.preamble), .attributes = nullptr};
}

arrow::Result<OriginFinder::Found> OriginFinder::Find(const std::string& origin,
                                                      std::string_view raw) {
  if (!offers_) ARROW_RETURN_NOT_OK(Discover());
  const auto offer = offers_->find(origin);
  ARROW_ASSIGN_OR_RAISE(auto framer, plan_.codec->MakeFramer(decode_));
  auto head = framer->ReadHead(raw, /*is_end=*/true);
  const bool needs_no_header = head.ok() && head->byte_count == 0;
  if (needs_no_header && offer != offers_->end()) {
    return Found{.preamble = head->preamble, .attributes = offer->second.attributes};
  }
  if (needs_no_header && AttributeColumns(plan_.columns).attribute_names().empty()) {
    return Found{.preamble = head->preamble, .attributes = nullptr};
  }
  const auto known = found_.find(origin);
  if (known != found_.end()) return known->second;
  ARROW_ASSIGN_OR_RAISE(Found found, offer == offers_->end() ? FromDeclaration(origin, raw)
                                                             : FromSource(offer->second));
  return found_.emplace(origin, std::move(found)).first->second;
}

}  // namespace catchwater
