#include <string>

#include <gtest/gtest.h>

#include "catchwater/component/field_finder.h"
#include "catchwater/testing/csv_text.h"

namespace catchwater {
namespace {

/// What is found, as `row name text; ...`.
std::string Found(const std::string& text) {
  const auto codec = MakeCsv().ValueOrDie();
  const auto* namer = dynamic_cast<const FieldNamer*>(codec.get());
  const DecodeOptions options = MakeOptions({MakeColumn("a", ColumnType::kInt64)});
  const auto head =
      codec->MakeFramer(options).ValueOrDie()->ReadHead(text, /*is_end=*/true).ValueOrDie();
  Block block;
  block.bytes = arrow::SliceBuffer(arrow::Buffer::FromString(text), head.byte_count);
  block.preamble = head.preamble;
  const Split split = codec->MakeDecoder(options).ValueOrDie()->Decode(block).ValueOrDie();
  const auto finder = namer->MakeFieldFinder(options).ValueOrDie();
  std::string found;
  for (const FoundField& field : finder->Find(block, split.good).ValueOrDie()) {
    EXPECT_EQ(field.kind, FoundKind::kText);
    if (!found.empty()) found += "; ";
    found +=
        std::to_string(field.row) + " " + std::string(field.name) + " " + std::string(field.text);
  }
  return found;
}

TEST(CsvFieldFinder, FindsWhatTheHeaderNamesAndNoColumnReads) {
  EXPECT_EQ(Found("a\n1\n"), "");
  EXPECT_EQ(Found("b,a,c\nx,1,y\n,2,\"u\n,v\"\n"), "0 b x; 0 c y; 1 c u\n,v");
}

TEST(CsvFieldFinder, DeadRowsHaveNone) {
  EXPECT_EQ(Found("a,b\n1,x\nbad,y\n2,z,too many\n3,w\n"), "0 b x; 1 b w");
}

TEST(CsvFieldFinder, ANameThatStandsTwiceNamesNothing) { EXPECT_EQ(Found("b,a,b\nx,1,y\n"), ""); }

TEST(CsvFieldFinder, WithoutAHeaderThereAreNoNames) {
  const auto codec = MakeCsv("csv: {header: false}").ValueOrDie();
  const auto* namer = dynamic_cast<const FieldNamer*>(codec.get());
  EXPECT_EQ(namer->MakeFieldFinder(MakeOptions({})).ValueOrDie(), nullptr);
}

}  // namespace
}  // namespace catchwater
