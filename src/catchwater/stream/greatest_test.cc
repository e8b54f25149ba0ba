#include "catchwater/stream/greatest.h"

#include <limits>
#include <vector>

#include <arrow/builder.h>
#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::Array> Doubles(const std::vector<std::optional<double>>& values) {
  arrow::DoubleBuilder builder;
  for (const auto& value : values) {
    EXPECT_TRUE((value ? builder.Append(*value) : builder.AppendNull()).ok());
  }
  return builder.Finish().ValueOrDie();
}

std::vector<uint32_t> KeysOf(const Greatest& greatest) {
  return {greatest.keys().begin(), greatest.keys().end()};
}

TEST(Greatest, KeepsAllThatAreEqualOverBatches) {
  Greatest greatest;
  greatest.Offer(*Doubles({1, 3, 3, 2}), std::vector<uint32_t>{10, 11, 12, 13});
  EXPECT_EQ(KeysOf(greatest), (std::vector<uint32_t>{11, 12}));
  greatest.Offer(*Doubles({3, 1}), std::vector<uint32_t>{14, 15});
  EXPECT_EQ(KeysOf(greatest), (std::vector<uint32_t>{11, 12, 14}));
  greatest.Offer(*Doubles({4}), std::vector<uint32_t>{16});
  EXPECT_EQ(KeysOf(greatest), (std::vector<uint32_t>{16}));
}

TEST(Greatest, LeavesOutNullsAndNaN) {
  Greatest greatest;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  greatest.Offer(*Doubles({std::nullopt, nan}), std::vector<uint32_t>{1, 2});
  EXPECT_TRUE(greatest.keys().empty());
  greatest.Offer(*Doubles({nan, -7, std::nullopt}), std::vector<uint32_t>{3, 4, 5});
  EXPECT_EQ(KeysOf(greatest), (std::vector<uint32_t>{4}));
}

TEST(Greatest, TellsLargeIntegersApart) {
  arrow::Int64Builder builder;
  ASSERT_TRUE(builder.AppendValues({(int64_t{1} << 60) + 1, int64_t{1} << 60}).ok());
  Greatest greatest;
  greatest.Offer(*builder.Finish().ValueOrDie(), std::vector<uint32_t>{1, 2});
  EXPECT_EQ(KeysOf(greatest), (std::vector<uint32_t>{1}));
}

TEST(Greatest, NamesTheColumnThatIsNotThereOrHasNoOrder) {
  const arrow::FieldVector values = {arrow::field("n", arrow::int64()),
                                     arrow::field("words", arrow::utf8())};
  EXPECT_EQ(FindGreatest("n", values).ValueOrDie(), 0U);
  EXPECT_EQ(KindOf(FindGreatest("m", values).status()), ErrorKind::kConfig);
  EXPECT_EQ(KindOf(FindGreatest("words", values).status()), ErrorKind::kConfig);
}

}  // namespace
}  // namespace catchwater
