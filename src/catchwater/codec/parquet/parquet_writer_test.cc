#include "catchwater/codec/parquet/parquet_writer.h"

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <arrow/api.h>
#include <arrow/io/file.h>
#include <gtest/gtest.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <unistd.h>

#include "catchwater/codec/parquet/parquet_reader.h"
#include "catchwater/io/files.h"

namespace catchwater {
namespace {

/// Files of one column that test what pages, dictionaries and bounds are made of.
class ParquetWriterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "catchwater-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static std::shared_ptr<arrow::Schema> SchemaOf(const std::shared_ptr<arrow::DataType>& type) {
    return arrow::schema({arrow::field("x", type, /*nullable=*/true,
                                       arrow::key_value_metadata({"PARQUET:field_id"}, {"1"}))});
  }

  /// Writes the column in batches of 50,000 rows and expects to read it back.
  ParquetMetrics RoundTrip(const std::shared_ptr<arrow::Array>& column) {
    const auto schema = SchemaOf(column->type());
    const auto batch = arrow::RecordBatch::Make(schema, column->length(), {column});
    path_ = folder_ + "/" + std::to_string(file_count_++) + ".parquet";
    auto file = files_->CreateNew(path_).ValueOrDie();
    auto writer = ParquetFileWriter::Make(file, schema, {}).ValueOrDie();
    for (int64_t at = 0; at < column->length(); at += 50'000) {
      const int64_t length = std::min<int64_t>(50'000, column->length() - at);
      EXPECT_TRUE(writer->Write(*batch, at, length).ok());
    }
    auto metrics = writer->Finish();
    EXPECT_TRUE(metrics.ok()) << metrics.status();
    EXPECT_TRUE(file->Close().ok());
    const auto got = ReadParquet(*files_, {path_}, schema, {}).ValueOrDie()->ToTable().ValueOrDie();
    EXPECT_TRUE(got->column(0)->Equals(arrow::ChunkedArray(column),
                                       arrow::EqualOptions::Defaults().nans_equal(true)));
    return metrics.ValueOr(ParquetMetrics{});
  }

  std::vector<parquet::Encoding::type> Encodings() const {
    return parquet::ParquetFileReader::OpenFile(path_)
        ->metadata()
        ->RowGroup(0)
        ->ColumnChunk(0)
        ->encodings();
  }
  bool Has(parquet::Encoding::type encoding) const {
    const auto encodings = Encodings();
    return std::find(encodings.begin(), encodings.end(), encoding) != encodings.end();
  }

  std::string folder_;
  std::string path_;
  int file_count_ = 0;
  std::unique_ptr<Files> files_ = MakeLocalFiles();
};

template <typename Builder>
std::shared_ptr<arrow::Array> Build(Builder&& builder, int64_t row_count,
                                    const std::function<arrow::Status(int64_t)>& append) {
  for (int64_t row = 0; row < row_count; ++row) EXPECT_TRUE(append(row).ok());
  return builder.Finish().ValueOrDie();
}

TEST_F(ParquetWriterTest, ManyPagesOfADictionaryReadBack) {
  arrow::DoubleBuilder builder;
  const auto column = Build(builder, 300'000, [&](int64_t row) {
    if (row % 11 == 0) return builder.AppendNull();
    return builder.Append(static_cast<double>(row * row % 1'999) / 100);
  });
  const ParquetMetrics metrics = RoundTrip(column);
  EXPECT_TRUE(Has(parquet::Encoding::RLE_DICTIONARY));
  EXPECT_FALSE(Has(parquet::Encoding::DELTA_BINARY_PACKED));
  EXPECT_EQ(metrics.columns[0].null_count, (300'000 + 10) / 11);
}

TEST_F(ParquetWriterTest, ADictionaryThatGrowsTooLargeIsGivenUp) {
  arrow::Int64Builder numbers;
  const auto column = Build(numbers, 400'000, [&](int64_t row) {
    // Repetitive at first, then every value is new.
    return numbers.Append(row < 50'000 ? row % 5 : row * 1'000'003);
  });
  const ParquetMetrics metrics = RoundTrip(column);
  EXPECT_TRUE(Has(parquet::Encoding::RLE_DICTIONARY));
  EXPECT_TRUE(Has(parquet::Encoding::DELTA_BINARY_PACKED));
  EXPECT_EQ(*metrics.columns[0].min, ParquetValue(int64_t{0}));
  EXPECT_EQ(*metrics.columns[0].max, ParquetValue(int64_t{399'999} * 1'000'003));

  arrow::StringBuilder texts;
  const auto words = Build(texts, 200'000, [&](int64_t row) {
    return texts.Append(row < 40'000 ? "often" : "reading number " + std::to_string(row));
  });
  EXPECT_EQ(*RoundTrip(words).columns[0].max, ParquetValue(std::string("reading number 99999")));
  EXPECT_TRUE(Has(parquet::Encoding::RLE_DICTIONARY));
  EXPECT_TRUE(Has(parquet::Encoding::PLAIN));
}

TEST_F(ParquetWriterTest, NullsOnlyAtFirstReadBack) {
  arrow::StringBuilder builder;
  const auto column = Build(builder, 300'000, [&](int64_t row) {
    return row < 200'000 ? builder.AppendNull() : builder.Append(row % 2 == 0 ? "yes" : "no");
  });
  const ParquetMetrics metrics = RoundTrip(column);
  EXPECT_EQ(metrics.columns[0].null_count, 200'000);
  EXPECT_EQ(*metrics.columns[0].min, ParquetValue(std::string("no")));
}

TEST_F(ParquetWriterTest, LongTextsReadBackAndTheirBoundsAreLeftOut) {
  arrow::StringBuilder builder;
  const auto column = Build(builder, 1'000, [&](int64_t row) {
    return builder.Append(std::string(static_cast<size_t>(4'000 + row), 'z'));
  });
  const ParquetMetrics metrics = RoundTrip(column);
  // The greatest is longer than what a footer holds, and one bound alone counts as none.
  EXPECT_FALSE(metrics.columns[0].min.has_value());
  EXPECT_FALSE(metrics.columns[0].max.has_value());
}

TEST_F(ParquetWriterTest, BoundsOfFloatsHoldBothZerosAndNoNan) {
  arrow::DoubleBuilder builder;
  ASSERT_TRUE(builder.AppendValues({0.0, std::nan(""), 0.0}).ok());
  const ParquetMetrics zeros = RoundTrip(builder.Finish().ValueOrDie());
  EXPECT_TRUE(std::signbit(std::get<double>(*zeros.columns[0].min)));
  EXPECT_FALSE(std::signbit(std::get<double>(*zeros.columns[0].max)));

  const double infinity = std::numeric_limits<double>::infinity();
  ASSERT_TRUE(builder.AppendValues({infinity, infinity}).ok());
  EXPECT_EQ(*RoundTrip(builder.Finish().ValueOrDie()).columns[0].min, ParquetValue(infinity));
}

TEST_F(ParquetWriterTest, EndsOfTheRangeReadBack) {
  using Limits = std::numeric_limits<int64_t>;
  arrow::Int64Builder builder;
  ASSERT_TRUE(builder.AppendValues({Limits::min(), Limits::max(), 0, -1}).ok());
  const ParquetMetrics metrics = RoundTrip(builder.Finish().ValueOrDie());
  EXPECT_EQ(*metrics.columns[0].min, ParquetValue(Limits::min()));
  EXPECT_EQ(*metrics.columns[0].max, ParquetValue(Limits::max()));
}

TEST_F(ParquetWriterTest, BytesAndBoolsReadBack) {
  arrow::BinaryBuilder bytes;
  RoundTrip(Build(bytes, 10'000, [&](int64_t row) {
    return bytes.Append(std::string(static_cast<size_t>(row % 20), static_cast<char>(row)));
  }));
  arrow::BooleanBuilder bools;
  const auto column = Build(bools, 200'001, [&](int64_t row) {
    return row % 13 == 0 ? bools.AppendNull() : bools.Append(row % 3 == 0);
  });
  const ParquetMetrics metrics = RoundTrip(column);
  EXPECT_EQ(*metrics.columns[0].min, ParquetValue(false));
  EXPECT_EQ(*metrics.columns[0].max, ParquetValue(true));
}

}  // namespace
}  // namespace catchwater
