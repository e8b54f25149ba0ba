#include "catchwater/batch/select_rows.h"

#include <random>
#include <string>
#include <vector>

#include <arrow/api.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <gtest/gtest.h>

namespace catchwater {
namespace {

std::shared_ptr<arrow::Array> RandomArray(const std::shared_ptr<arrow::DataType>& type,
                                          int64_t row_count, std::mt19937& random) {
  auto builder = arrow::MakeBuilder(type).ValueOrDie();
  for (int64_t i = 0; i < row_count; ++i) {
    const int value = static_cast<int>(random() % 1000);
    arrow::Status appended;
    if (random() % 4 == 0) {
      appended = builder->AppendNull();
    } else if (type->id() == arrow::Type::STRING) {
      appended = builder->AppendScalar(
          *arrow::MakeScalar(std::string(static_cast<size_t>(value % 30), 'x') + "ü"));
    } else if (type->id() == arrow::Type::DECIMAL128) {
      appended = builder->AppendScalar(arrow::Decimal128Scalar(arrow::Decimal128(value), type));
    } else if (type->id() == arrow::Type::LIST) {
      appended = builder->AppendEmptyValue();
    } else if (type->id() == arrow::Type::DATE32) {
      appended = builder->AppendScalar(arrow::Date32Scalar(value));
    } else {
      appended = builder->AppendScalar(*arrow::MakeScalar(value)->CastTo(type).ValueOrDie());
    }
    EXPECT_TRUE(appended.ok()) << appended;
  }
  return builder->Finish().ValueOrDie();
}

Batch RandomBatch(int64_t row_count, std::mt19937& random) {
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (const auto& type :
       {arrow::boolean(), arrow::int8(), arrow::int16(), arrow::int32(), arrow::int64(),
        arrow::float64(), arrow::utf8(), arrow::date32(), arrow::decimal128(10, 2),
        arrow::list(arrow::int32()), arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")}) {
    fields.push_back(arrow::field("c" + std::to_string(fields.size()), type));
    columns.push_back(RandomArray(type, row_count, random));
  }
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(arrow::schema(fields), row_count, columns);
  arrow::UInt64Builder ordinals;
  arrow::UInt32Builder begins;
  arrow::UInt32Builder lengths;
  arrow::UInt32Builder in_frame;
  for (int64_t i = 0; i < row_count; ++i) {
    EXPECT_TRUE(ordinals.Append(static_cast<uint64_t>(1000 + i)).ok());
    EXPECT_TRUE(in_frame.Append(static_cast<uint32_t>(i % 3)).ok());
    EXPECT_TRUE(begins.Append(static_cast<uint32_t>(i * 4)).ok());
    EXPECT_TRUE(lengths.Append(3).ok());
  }
  std::string raw;
  for (int64_t i = 0; i < row_count; ++i) raw += std::to_string(100 + i % 900) + "\n";
  batch.frame_ordinals = ordinals.Finish().ValueOrDie();
  batch.row_in_frame = in_frame.Finish().ValueOrDie();
  batch.raw_begin = begins.Finish().ValueOrDie();
  batch.raw_length = lengths.Finish().ValueOrDie();
  batch.raw = arrow::Buffer::FromString(raw);
  return batch;
}

TEST(FilterBatch, TakesTheSameRowsOfAllColumnsAsArrowDoes) {
  ASSERT_TRUE(arrow::compute::Initialize().ok());
  for (uint32_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    Batch batch = RandomBatch(static_cast<int64_t>(random() % 300) + 10, random);
    if (seed % 2 == 1) batch = SliceBatch(batch, 5, batch.rows->num_rows() - 7);
    arrow::BooleanBuilder mask;
    std::vector<uint8_t> keep;
    const auto of_ten = random() % 11;
    for (int64_t i = 0; i < batch.rows->num_rows(); ++i) {
      keep.push_back(random() % 10 < of_ten ? 1 : 0);
      ASSERT_TRUE(mask.Append(keep.back() != 0).ok());
    }
    const arrow::Datum filter(mask.Finish().ValueOrDie());
    auto wanted = [&](const std::shared_ptr<arrow::Array>& array) {
      return arrow::compute::Filter(array, filter).ValueOrDie().make_array();
    };

    const Batch got = FilterBatch(batch, keep).ValueOrDie();
    ASSERT_TRUE(got.rows->ValidateFull().ok());
    for (int i = 0; i < batch.rows->num_columns(); ++i) {
      EXPECT_TRUE(got.rows->column(i)->Equals(wanted(batch.rows->column(i)))) << i;
    }
    EXPECT_TRUE(got.frame_ordinals->Equals(wanted(batch.frame_ordinals)));
    EXPECT_TRUE(got.row_in_frame->Equals(wanted(batch.row_in_frame)));
    EXPECT_TRUE(got.raw_begin->Equals(wanted(batch.raw_begin)));
    EXPECT_TRUE(got.raw_length->Equals(wanted(batch.raw_length)));
  }
}

TEST(FilterBatch, CopiesNothingWhenTheRowsLieTogether) {
  std::mt19937 random(1);
  const Batch batch = RandomBatch(8, random);
  const Batch all = FilterBatch(batch, std::vector<uint8_t>(8, 1)).ValueOrDie();
  EXPECT_EQ(all.rows, batch.rows);
  const Batch some = FilterBatch(batch, std::vector<uint8_t>{0, 0, 1, 1, 1, 0, 0, 0}).ValueOrDie();
  EXPECT_EQ(some.rows->num_rows(), 3);
  EXPECT_EQ(some.rows->column_data(3)->buffers[1], batch.rows->column_data(3)->buffers[1]);
  EXPECT_TRUE(some.frame_ordinals->Equals(batch.frame_ordinals->Slice(2, 3)));
}

TEST(FilterBatch, WorksWithoutOrigins) {
  std::mt19937 random(1);
  Batch batch;
  batch.rows = RandomBatch(4, random).rows;
  const Batch got = FilterBatch(batch, std::vector<uint8_t>{1, 0, 0, 1}).ValueOrDie();
  EXPECT_EQ(got.rows->num_rows(), 2);
  EXPECT_EQ(got.frame_ordinals, nullptr);
}

TEST(FilterBatch, CanDropEverything) {
  std::mt19937 random(1);
  const Batch got = FilterBatch(RandomBatch(4, random), std::vector<uint8_t>(4, 0)).ValueOrDie();
  EXPECT_EQ(got.rows->num_rows(), 0);
  EXPECT_EQ(got.frame_ordinals->length(), 0);
}

TEST(MakeDeadLetter, CarriesTheRawTextAndThePlace) {
  std::mt19937 random(1);
  const Batch batch = RandomBatch(10, random);
  const DeadLetter letter =
      MakeDeadLetter(batch, 7, {.rule = "validate.range", .field = "t", .reason = "too hot: 90"});
  EXPECT_EQ(letter.frame_ordinal, 1007U);
  EXPECT_EQ(letter.row_in_frame, 1U);
  EXPECT_EQ(letter.raw, "107");
  EXPECT_EQ(letter.raw_bytes, 3);
  EXPECT_EQ(letter.rule, "validate.range");
  EXPECT_EQ(letter.field, "t");
  EXPECT_EQ(letter.reason, "too hot: 90");
  EXPECT_FALSE(letter.is_frame);
}

TEST(MakeDeadLetter, KeepsTheTrueLengthOfALongText) {
  Batch batch;
  arrow::UInt32Builder begin;
  arrow::UInt32Builder length;
  ASSERT_TRUE(begin.Append(2).ok());
  ASSERT_TRUE(length.Append(100'000).ok());
  batch.rows = arrow::RecordBatch::Make(arrow::schema({}), 1, arrow::ArrayVector{});
  batch.raw_begin = begin.Finish().ValueOrDie();
  batch.raw_length = length.Finish().ValueOrDie();
  batch.raw = arrow::Buffer::FromString("ab" + std::string(100'000, 'z'));
  const DeadLetter letter = MakeDeadLetter(batch, 0, {});
  EXPECT_EQ(letter.raw, std::string(kDeadLetterRawBytesMax, 'z'));
  EXPECT_EQ(letter.raw_bytes, 100'000);
}

TEST(MakeDeadLetter, WritesTheValuesWhenThereIsNoText) {
  arrow::StringBuilder names;
  arrow::Int64Builder counts;
  ASSERT_TRUE(names.AppendValues({"a\"b\n"}).ok());
  ASSERT_TRUE(counts.AppendNull().ok());
  Batch batch;
  batch.rows = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("name", arrow::utf8()), arrow::field("count", arrow::int64())}),
      1, {names.Finish().ValueOrDie(), counts.Finish().ValueOrDie()});
  EXPECT_EQ(MakeDeadLetter(batch, 0, {}).raw, R"({"name":"a\"b\u000a","count":null})");
}

}  // namespace
}  // namespace catchwater
