/// \file
/// What a decoder needs to know of where bytes came from, found again after the fact: the header of
/// the file and the parts of its path.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <arrow/result.h>

#include "catchwater/component/codec.h"
#include "catchwater/component/source.h"
#include "catchwater/pipeline/plan.h"

namespace catchwater {

/// One thread at a time. Reads from sources; moves no position.
class OriginFinder {
 public:
  struct Found {
    std::shared_ptr<const Preamble> preamble;
    std::shared_ptr<const Attributes> attributes;
  };

  OriginFinder(const PipelinePlan& plan, DecodeOptions decode, SourceContext context)
      : plan_(plan), decode_(std::move(decode)), context_(std::move(context)) {}

  /// For raw bytes of one record of the partition. Remembers what it found.
  arrow::Result<Found> Find(const std::string& origin, std::string_view raw);

  /// Sentences about what had to be assumed.
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  arrow::Status Discover();
  arrow::Result<Found> FromSource(const Offer& offer);
  arrow::Result<Found> FromDeclaration(const std::string& origin, std::string_view raw);

  const PipelinePlan& plan_;
  const DecodeOptions decode_;
  const SourceContext context_;
  std::optional<std::map<std::string, Offer>> offers_;  // By name; empty until the first question.
  std::map<std::string, Found> found_;
  std::vector<std::string> notes_;
};

}  // namespace catchwater
