#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <arrow/api.h>
#include <arrow/util/byte_size.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "catchwater/base/error.h"
#include "catchwater/codec/parquet/parquet_metrics.h"
#include "catchwater/codec/parquet/parquet_reader.h"
#include "catchwater/codec/parquet/parquet_writer.h"
#include "catchwater/io/files.h"

namespace catchwater {
namespace {

std::shared_ptr<arrow::Field> Field(const std::string& name,
                                    const std::shared_ptr<arrow::DataType>& type, int id,
                                    bool is_nullable = true) {
  return arrow::field(name, type, is_nullable,
                      arrow::key_value_metadata({"PARQUET:field_id"}, {std::to_string(id)}));
}

class ParquetTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "catchwater-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  ParquetMetrics Write(const std::string& path, const std::shared_ptr<arrow::Schema>& schema,
                       const arrow::RecordBatchVector& batches, ParquetWriterOptions options = {}) {
    auto file = files_->CreateNew(path).ValueOrDie();
    auto writer = ParquetFileWriter::Make(file, schema, options).ValueOrDie();
    for (const auto& batch : batches) {
      const arrow::Status status = writer->Write(*batch, 0, batch->num_rows());
      EXPECT_TRUE(status.ok()) << status;
    }
    auto metrics = writer->Finish();
    EXPECT_TRUE(metrics.ok()) << metrics.status();
    EXPECT_TRUE(file->Close().ok());
    return metrics.ValueOr(ParquetMetrics{});
  }

  std::shared_ptr<arrow::Table> Read(const std::vector<std::string>& paths,
                                     const std::shared_ptr<arrow::Schema>& schema,
                                     ParquetReadOptions options = {}) {
    auto table = ReadParquet(*files_, paths, schema, options).ValueOrDie()->ToTable();
    EXPECT_TRUE(table.ok()) << table.status();
    return table.ValueOr(nullptr);
  }

  std::string folder_;
  std::unique_ptr<Files> files_ = MakeLocalFiles();
};

std::shared_ptr<arrow::Schema> AllTypes() {
  return arrow::schema({Field("b", arrow::boolean(), 1), Field("i", arrow::int32(), 2),
                        Field("l", arrow::int64(), 3, /*is_nullable=*/false),
                        Field("f", arrow::float32(), 4), Field("d", arrow::float64(), 5),
                        Field("s", arrow::utf8(), 6), Field("day", arrow::date32(), 7),
                        Field("ts", arrow::timestamp(arrow::TimeUnit::MICRO, "UTC"), 8),
                        Field("small", arrow::decimal128(9, 2), 9),
                        Field("large", arrow::decimal128(30, 5), 10)});
}

std::shared_ptr<arrow::RecordBatch> RandomBatch(std::mt19937_64& random, int64_t row_count) {
  const auto schema = AllTypes();
  auto builder = arrow::RecordBatchBuilder::Make(schema, arrow::default_memory_pool()).ValueOrDie();
  auto number = [&random](int64_t bound) {
    return static_cast<int64_t>(random() % 1'000'000) % bound;
  };
  for (int64_t row = 0; row < row_count; ++row) {
    for (int c = 0; c < schema->num_fields(); ++c) {
      auto* field = builder->GetField(c);
      arrow::Status status;
      if (schema->field(c)->nullable() && random() % 7 == 0) {
        status = field->AppendNull();
      } else {
        switch (c) {
          case 0:
            status = static_cast<arrow::BooleanBuilder*>(field)->Append(random() % 2 == 0);
            break;
          case 1:
            status = static_cast<arrow::Int32Builder*>(field)->Append(
                static_cast<int32_t>(number(50)) - 25);
            break;
          case 2:
            status =
                static_cast<arrow::Int64Builder*>(field)->Append(static_cast<int64_t>(random()));
            break;
          case 3:
            status =
                static_cast<arrow::FloatBuilder*>(field)->Append(static_cast<float>(number(9)) / 4);
            break;
          case 4:
            status = static_cast<arrow::DoubleBuilder*>(field)->Append(
                static_cast<double>(number(1'000'000)) / 7);
            break;
          case 5:
            status =
                static_cast<arrow::StringBuilder*>(field)->Append("s" + std::to_string(number(20)));
            break;
          case 6:
            status = static_cast<arrow::Date32Builder*>(field)->Append(
                static_cast<int32_t>(number(40'000)) - 20'000);
            break;
          case 7:
            status = static_cast<arrow::TimestampBuilder*>(field)->Append(
                static_cast<int64_t>(random() >> 12) - (int64_t{1} << 50));
            break;
          case 8:
            status = static_cast<arrow::Decimal128Builder*>(field)->Append(
                arrow::Decimal128(number(1000) - 500));
            break;
          default:
            status = static_cast<arrow::Decimal128Builder*>(field)->Append(
                arrow::Decimal128(number(1000) - 500) * arrow::Decimal128("123456789012345"));
            break;
        }
      }
      EXPECT_TRUE(status.ok()) << status;
    }
  }
  return builder->Flush().ValueOrDie();
}

TEST_F(ParquetTest, ReadsBackWhatItWroteWhateverTheCuts) {
  for (uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    arrow::RecordBatchVector batches;
    for (size_t i = 0; i < 1 + random() % 5; ++i) {
      batches.push_back(RandomBatch(random, static_cast<int64_t>(random() % 3000)));
    }
    ParquetWriterOptions options;
    options.row_group_rows_max = 1 + static_cast<int64_t>(random() % 4000);
    options.row_group_bytes_max = 1 + static_cast<int64_t>(random() % 100'000);
    const std::string path = folder_ + "/" + std::to_string(seed) + ".parquet";
    const ParquetMetrics metrics = Write(path, AllTypes(), batches, options);
    const auto want = arrow::Table::FromRecordBatches(AllTypes(), batches).ValueOrDie();
    EXPECT_EQ(metrics.row_count, want->num_rows());
    const auto got =
        Read({path}, AllTypes(), {.batch_rows = 1 + static_cast<int64_t>(random() % 5000)});
    ASSERT_NE(got, nullptr);
    EXPECT_TRUE(got->Equals(*want));
  }
}

TEST_F(ParquetTest, MetricsAreThoseOfTheRows) {
  const auto schema = AllTypes();
  std::mt19937_64 random(42);
  const auto batch = RandomBatch(random, 5000);
  ParquetWriterOptions options;
  options.row_group_rows_max = 700;
  const std::string path = folder_ + "/m.parquet";
  const ParquetMetrics metrics = Write(path, schema, {batch}, options);
  EXPECT_EQ(metrics.split_offsets.size(), 8U);
  EXPECT_TRUE(std::ranges::is_sorted(metrics.split_offsets));
  EXPECT_EQ(metrics.split_offsets[0], 4);
  EXPECT_EQ(metrics.file_byte_count, static_cast<int64_t>(std::filesystem::file_size(path)));
  for (size_t c = 0; c < metrics.columns.size(); ++c) {
    const ParquetColumnMetrics& column = metrics.columns[c];
    EXPECT_EQ(column.field_id, static_cast<int>(c) + 1);
    EXPECT_EQ(column.value_count, 5000);
    EXPECT_EQ(column.null_count, batch->column(static_cast<int>(c))->null_count());
    EXPECT_GT(column.byte_count, 0);
    ASSERT_TRUE(column.min.has_value()) << column.name;
  }
  const auto& longs = static_cast<const arrow::Int64Array&>(*batch->column(2));
  const auto [low, high] = std::minmax_element(longs.raw_values(), longs.raw_values() + 5000);
  EXPECT_EQ(*metrics.columns[2].min, ParquetValue(*low));
  EXPECT_EQ(*metrics.columns[2].max, ParquetValue(*high));
  arrow::Decimal128 largest(-1'000'000);
  const auto& decimals = static_cast<const arrow::Decimal128Array&>(*batch->column(9));
  for (int64_t i = 0; i < 5000; ++i) {
    if (decimals.IsValid(i)) largest = std::max(largest, arrow::Decimal128(decimals.GetValue(i)));
  }
  EXPECT_EQ(std::get<arrow::Decimal128>(*metrics.columns[9].max), largest);
  EXPECT_TRUE(std::holds_alternative<arrow::Decimal128>(*metrics.columns[8].min));
}

TEST_F(ParquetTest, FootersOfOthersGiveTheSameMetrics) {
  std::mt19937_64 random(1);
  const std::string path = folder_ + "/f.parquet";
  const ParquetMetrics written = Write(path, AllTypes(), {RandomBatch(random, 100)});
  const auto read = ReadFooterMetrics(files_->OpenInput(path).ValueOrDie());
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->row_count, written.row_count);
  EXPECT_EQ(read->file_byte_count, written.file_byte_count);
  EXPECT_EQ(read->split_offsets, written.split_offsets);
  for (size_t c = 0; c < written.columns.size(); ++c) {
    EXPECT_EQ(read->columns[c].min, written.columns[c].min);
    EXPECT_EQ(read->columns[c].max, written.columns[c].max);
  }
}

TEST_F(ParquetTest, NansAndAllNullColumnsHaveNoBounds) {
  const auto schema =
      arrow::schema({Field("x", arrow::float64(), 1), Field("y", arrow::utf8(), 2)});
  arrow::DoubleBuilder x;
  ASSERT_TRUE(x.AppendValues(std::vector<double>(3, std::nan(""))).ok());
  const auto y = arrow::MakeArrayOfNull(arrow::utf8(), 3).ValueOrDie();
  const auto batch = arrow::RecordBatch::Make(schema, 3, {x.Finish().ValueOrDie(), y});
  const ParquetMetrics metrics = Write(folder_ + "/n.parquet", schema, {batch});
  EXPECT_FALSE(metrics.columns[0].min.has_value());
  EXPECT_FALSE(metrics.columns[1].max.has_value());
  EXPECT_EQ(metrics.columns[1].null_count, 3);
}

TEST_F(ParquetTest, AFileWithoutRowsReadsBack) {
  const std::string path = folder_ + "/e.parquet";
  const ParquetMetrics metrics = Write(path, AllTypes(), {});
  EXPECT_EQ(metrics.row_count, 0);
  EXPECT_EQ(Read({path}, AllTypes())->num_rows(), 0);
}

TEST_F(ParquetTest, RefusesNullsInARequiredColumn) {
  const auto schema = arrow::schema({Field("x", arrow::int64(), 1, /*is_nullable=*/false)});
  auto writer =
      ParquetFileWriter::Make(files_->CreateNew(folder_ + "/r.parquet").ValueOrDie(), schema, {})
          .ValueOrDie();
  const auto batch =
      arrow::RecordBatch::Make(schema, 1, {arrow::MakeArrayOfNull(arrow::int64(), 1).ValueOrDie()});
  EXPECT_FALSE(writer->Write(*batch, 0, 1).ok());
}

TEST_F(ParquetTest, RefusesFieldsWithoutIds) {
  const auto schema = arrow::schema({arrow::field("x", arrow::int64())});
  EXPECT_EQ(KindOf(ParquetFileWriter::Make(files_->CreateNew(folder_ + "/i.parquet").ValueOrDie(),
                                           schema, {})
                       .status()),
            ErrorKind::kInternal);
}

TEST_F(ParquetTest, DictionaryEncodedTextsComeOutAsTexts) {
  const auto schema = arrow::schema({Field("s", arrow::utf8(), 1)});
  arrow::StringDictionary32Builder builder;
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(builder.Append("v" + std::to_string(i % 3)).ok());
  const auto encoded = builder.Finish().ValueOrDie();
  const auto batch = arrow::RecordBatch::Make(arrow::schema({arrow::field("s", encoded->type())}),
                                              1000, {encoded});
  const std::string path = folder_ + "/d.parquet";
  const ParquetMetrics metrics = Write(path, schema, {batch});
  EXPECT_EQ(*metrics.columns[0].max, ParquetValue(std::string("v2")));
  const auto got = Read({path}, schema);
  EXPECT_EQ(static_cast<const arrow::StringArray&>(*got->column(0)->chunk(0)).GetString(4), "v1");
}

// --- Reading an evolved table -------------------------------------------------------------------

TEST_F(ParquetTest, OldFilesShowAsTheSchemaOfToday) {
  const auto old_schema =
      arrow::schema({Field("a", arrow::int32(), 1), Field("gone", arrow::utf8(), 2),
                     Field("f", arrow::float32(), 3), Field("m", arrow::decimal128(9, 2), 4)});
  arrow::Int32Builder a;
  ASSERT_TRUE(a.AppendValues({7, -8}).ok());
  arrow::StringBuilder gone;
  ASSERT_TRUE(gone.AppendValues({"x", "y"}).ok());
  arrow::FloatBuilder f;
  ASSERT_TRUE(f.AppendValues({0.5F, 1.5F}).ok());
  arrow::Decimal128Builder m(arrow::decimal128(9, 2));
  ASSERT_TRUE(m.Append(arrow::Decimal128(125)).ok());
  ASSERT_TRUE(m.AppendNull().ok());
  const std::string path = folder_ + "/old.parquet";
  Write(path, old_schema,
        {arrow::RecordBatch::Make(old_schema, 2,
                                  {a.Finish().ValueOrDie(), gone.Finish().ValueOrDie(),
                                   f.Finish().ValueOrDie(), m.Finish().ValueOrDie()})});
  // Renamed, reordered, widened, added.
  const auto today =
      arrow::schema({Field("m", arrow::decimal128(18, 2), 4), Field("added", arrow::utf8(), 9),
                     Field("f", arrow::float64(), 3), Field("renamed", arrow::int64(), 1)});
  const auto got = Read({path}, today);
  ASSERT_EQ(got->num_rows(), 2);
  EXPECT_TRUE(got->schema()->Equals(*today));
  EXPECT_EQ(got->column(0)->chunk(0)->null_count(), 1);
  EXPECT_EQ(got->column(1)->chunk(0)->null_count(), 2);
  EXPECT_EQ(static_cast<const arrow::DoubleArray&>(*got->column(2)->chunk(0)).Value(1), 1.5);
  EXPECT_EQ(static_cast<const arrow::Int64Array&>(*got->column(3)->chunk(0)).Value(1), -8);
}

TEST_F(ParquetTest, AColumnThatCannotBeWidenedIsAnError) {
  const auto schema = arrow::schema({Field("a", arrow::utf8(), 1)});
  arrow::StringBuilder a;
  ASSERT_TRUE(a.Append("x").ok());
  const std::string path = folder_ + "/w.parquet";
  Write(path, schema, {arrow::RecordBatch::Make(schema, 1, {a.Finish().ValueOrDie()})});
  const auto other = arrow::schema({Field("a", arrow::int64(), 1)});
  const auto table = ReadParquet(*files_, {path}, other, {}).ValueOrDie()->ToTable();
  EXPECT_EQ(KindOf(table.status()), ErrorKind::kBadData);
  EXPECT_NE(table.status().message().find("another type"), std::string::npos);
}

TEST_F(ParquetTest, BatchesOfLongTextsAreBoundedInBytes) {
  const auto schema = arrow::schema({Field("s", arrow::utf8(), 1)});
  std::mt19937_64 random(1);
  for (const bool is_repeated : {true, false}) {  // A text that repeats is short in the file.
    SCOPED_TRACE(is_repeated);
    arrow::StringBuilder builder;
    for (int64_t i = 0; i < 20'000; ++i) {
      std::string text(4'000, 'x');
      if (!is_repeated)
        std::ranges::generate(text, [&] { return "0123456789abcdef"[random() % 16]; });
      ASSERT_TRUE(builder.Append(text).ok());
    }
    const auto rows = arrow::RecordBatch::Make(schema, 20'000, {builder.Finish().ValueOrDie()});
    const std::string path = folder_ + (is_repeated ? "/repeated" : "/all-different");
    Write(path, schema, {rows});
    const auto reader = ReadParquet(*files_, {path}, schema, {}).ValueOrDie();
    int64_t row_count = 0;
    while (const auto batch = reader->Next().ValueOrDie()) {
      row_count += batch->num_rows();
      EXPECT_LE(arrow::util::ReferencedBufferSize(*batch).ValueOrDie(), 17 << 20);
    }
    EXPECT_EQ(row_count, 20'000);
  }
}

TEST_F(ParquetTest, NoneOfTheColumnsStillCountsRows) {
  const auto schema = arrow::schema({Field("a", arrow::utf8(), 1)});
  arrow::StringBuilder a;
  ASSERT_TRUE(a.AppendValues({"x", "y", "z"}).ok());
  const std::string path = folder_ + "/c.parquet";
  Write(path, schema, {arrow::RecordBatch::Make(schema, 3, {a.Finish().ValueOrDie()})});
  const auto got = Read({path, path}, arrow::schema({Field("new", arrow::int64(), 5)}));
  EXPECT_EQ(got->num_rows(), 6);
  EXPECT_EQ(got->column(0)->null_count(), 6);
}

TEST_F(ParquetTest, DamagedAndMissingFilesAreErrors) {
  ASSERT_TRUE(files_->WriteNew(folder_ + "/x.parquet", "this is no Parquet file").ok());
  const auto schema = arrow::schema({Field("a", arrow::utf8(), 1)});
  auto read = [&](const std::string& path) {
    return ReadParquet(*files_, {path}, schema, {}).ValueOrDie()->ToTable().status();
  };
  EXPECT_EQ(KindOf(read(folder_ + "/x.parquet")), ErrorKind::kBadData);
  EXPECT_EQ(KindOf(read(folder_ + "/none.parquet")), ErrorKind::kNotFound);
  EXPECT_EQ(
      KindOf(ReadFooterMetrics(files_->OpenInput(folder_ + "/x.parquet").ValueOrDie()).status()),
      ErrorKind::kBadData);
}

}  // namespace
}  // namespace catchwater
