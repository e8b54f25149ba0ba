#include "catchwater/lake/iceberg/manifest.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/lake/iceberg/manifest_schema.h"

namespace catchwater {
namespace {

IcebergSchema Schema() {
  return {
      .schema_id = 3,
      .fields = {{.id = 1, .name = "id", .is_required = true, .type = {.kind = TypeKind::kLong}},
                 {.id = 2, .name = "ts", .type = {.kind = TypeKind::kTimestampTz}},
                 {.id = 3, .name = "name", .type = {.kind = TypeKind::kString}},
                 {.id = 4,
                  .name = "price",
                  .type = {.kind = TypeKind::kDecimal, .precision = 20, .scale = 2}}}};
}

PartitionSpec Spec() {
  return {.spec_id = 5,
          .fields = {{.source_id = 2,
                      .field_id = 1000,
                      .name = "ts_day",
                      .transform = {.kind = TransformKind::kDay}},
                     {.source_id = 3,
                      .field_id = 1001,
                      .name = "na me",
                      .transform = {.kind = TransformKind::kIdentity}},
                     {.source_id = 4,
                      .field_id = 1002,
                      .name = "price",
                      .transform = {.kind = TransformKind::kIdentity}}}};
}

ManifestEntry RandomEntry(std::mt19937_64& random, EntryStatus status) {
  auto number = [&random] { return static_cast<int64_t>(random() >> 2); };
  ManifestEntry entry{.status = status, .snapshot_id = number()};
  if (status != EntryStatus::kAdded) {
    entry.sequence_number = 1 + number() % 100;
    entry.file_sequence_number = entry.sequence_number;
  }
  ManifestDataFile& file = entry.file;
  file.path = "file:///w/" + std::to_string(number()) + "-ä.parquet";
  file.partition = {static_cast<int32_t>(random() % 40'000) - 20'000, std::string("näme"),
                    arrow::Decimal128(static_cast<int64_t>(random()))};
  if (random() % 4 == 0) file.partition[random() % 3] = std::monostate{};
  file.record_count = number() % 1000;
  file.file_byte_count = number();
  for (int32_t id = 1; id <= 4; ++id) {
    file.column_byte_counts.emplace_back(id, number());
    file.value_counts.emplace_back(id, number());
    if (random() % 2 == 0) file.null_counts.emplace_back(id, number());
    if (random() % 2 == 0) file.lower_bounds.emplace_back(id, std::string(random() % 20, '\0'));
    file.upper_bounds.emplace_back(id, "z" + std::to_string(number()));
  }
  file.split_offsets = {4, number()};
  file.sort_order_id = static_cast<int32_t>(random() % 3);
  return entry;
}

void ExpectSame(const ManifestDataFile& got, const ManifestDataFile& want) {
  EXPECT_EQ(got.path, want.path);
  EXPECT_EQ(got.format, want.format);
  EXPECT_EQ(got.partition, want.partition);
  EXPECT_EQ(got.record_count, want.record_count);
  EXPECT_EQ(got.file_byte_count, want.file_byte_count);
  EXPECT_EQ(got.column_byte_counts, want.column_byte_counts);
  EXPECT_EQ(got.value_counts, want.value_counts);
  EXPECT_EQ(got.null_counts, want.null_counts);
  EXPECT_EQ(got.nan_counts, want.nan_counts);
  EXPECT_EQ(got.lower_bounds, want.lower_bounds);
  EXPECT_EQ(got.upper_bounds, want.upper_bounds);
  EXPECT_EQ(got.key_metadata, want.key_metadata);
  EXPECT_EQ(got.split_offsets, want.split_offsets);
  EXPECT_EQ(got.sort_order_id, want.sort_order_id);
}

TEST(Manifest, ReadsBackWhatItWrote) {
  for (uint64_t seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    std::vector<ManifestEntry> entries;
    for (size_t i = 0; i < 1 + random() % 300; ++i) {
      entries.push_back(RandomEntry(random, static_cast<EntryStatus>(random() % 3)));
    }
    auto encoded = EncodeManifest(entries, Schema(), Spec(), /*snapshot_id=*/77,
                                  /*sequence_number=*/1000);
    ASSERT_TRUE(encoded.ok()) << encoded.status();
    encoded->row.path = "file:///m.avro";
    const auto read = DecodeManifest(encoded->bytes, encoded->row, Schema(), Spec());
    ASSERT_TRUE(read.ok()) << read.status();
    ASSERT_EQ(read->size(), entries.size());
    for (size_t i = 0; i < entries.size(); ++i) {
      EXPECT_EQ((*read)[i].status, entries[i].status);
      EXPECT_EQ((*read)[i].snapshot_id, entries[i].snapshot_id);
      // Added ones inherit the numbers of the manifest.
      EXPECT_EQ((*read)[i].sequence_number, entries[i].sequence_number.value_or(1000));
      EXPECT_EQ((*read)[i].file_sequence_number, entries[i].file_sequence_number.value_or(1000));
      ExpectSame((*read)[i].file, entries[i].file);
    }
  }
}

TEST(Manifest, CountsItsEntriesByStatus) {
  std::mt19937_64 random(1);
  std::vector<ManifestEntry> entries = {
      RandomEntry(random, EntryStatus::kAdded), RandomEntry(random, EntryStatus::kExisting),
      RandomEntry(random, EntryStatus::kExisting), RandomEntry(random, EntryStatus::kDeleted)};
  entries[1].sequence_number = 7;
  entries[2].sequence_number = 9;
  entries[3].sequence_number = 2;  // Not live: does not count.
  const auto encoded = EncodeManifest(entries, Schema(), Spec(), 77, 10).ValueOrDie();
  EXPECT_EQ(encoded.row.added_files, 1);
  EXPECT_EQ(encoded.row.existing_files, 2);
  EXPECT_EQ(encoded.row.deleted_files, 1);
  EXPECT_EQ(encoded.row.added_rows, entries[0].file.record_count);
  EXPECT_EQ(encoded.row.existing_rows, entries[1].file.record_count + entries[2].file.record_count);
  EXPECT_EQ(encoded.row.min_sequence_number, 7);
  EXPECT_EQ(encoded.row.byte_count, static_cast<int64_t>(encoded.bytes.size()));
}

TEST(Manifest, SummarisesItsPartitions) {
  std::mt19937_64 random(1);
  std::vector<ManifestEntry> entries(3, RandomEntry(random, EntryStatus::kAdded));
  entries[0].file.partition = {int32_t{5}, std::string("b"), arrow::Decimal128(-3)};
  entries[1].file.partition = {int32_t{-2}, std::monostate{}, arrow::Decimal128(300)};
  entries[2].file.partition = {int32_t{3}, std::string("a"), arrow::Decimal128(0)};
  const auto row = EncodeManifest(entries, Schema(), Spec(), 77, 10).ValueOrDie().row;
  ASSERT_EQ(row.partitions.size(), 3U);
  EXPECT_FALSE(row.partitions[0].contains_null);
  EXPECT_EQ(row.partitions[0].lower_bound, LiteralToBytes(int32_t{-2}));
  EXPECT_EQ(row.partitions[0].upper_bound, LiteralToBytes(int32_t{5}));
  EXPECT_TRUE(row.partitions[1].contains_null);
  EXPECT_EQ(row.partitions[1].lower_bound, "a");
  EXPECT_EQ(row.partitions[2].lower_bound, DecimalToBytes(arrow::Decimal128(-3)));
  EXPECT_EQ(row.partitions[2].upper_bound, DecimalToBytes(arrow::Decimal128(300)));
}

TEST(Manifest, RefusesKeptEntriesWithoutNumbers) {
  std::mt19937_64 random(1);
  std::vector<ManifestEntry> entries = {RandomEntry(random, EntryStatus::kExisting)};
  entries[0].sequence_number.reset();
  EXPECT_EQ(KindOf(EncodeManifest(entries, Schema(), Spec(), 77, 10).status()),
            ErrorKind::kInternal);
}

TEST(Manifest, DamageIsAnErrorNotACrash) {
  std::mt19937_64 random(3);
  std::vector<ManifestEntry> entries;
  for (int i = 0; i < 5; ++i) entries.push_back(RandomEntry(random, EntryStatus::kAdded));
  const auto encoded = EncodeManifest(entries, Schema(), Spec(), 77, 10).ValueOrDie();
  for (int i = 0; i < 3000; ++i) {
    std::string damaged = encoded.bytes;
    damaged[random() % damaged.size()] = static_cast<char>(random());
    if (i % 3 == 0) damaged.resize(random() % damaged.size());
    const auto read = DecodeManifest(damaged, encoded.row, Schema(), Spec());
    if (read.ok()) {
      EXPECT_LE(read->size(), 1000U);
    }
  }
}

TEST(ManifestList, ReadsBackWhatItWrote) {
  std::mt19937_64 random(5);
  std::vector<ManifestFile> rows;
  for (int i = 0; i < 40; ++i) {
    ManifestFile row{.path = "file:///m" + std::to_string(i),
                     .byte_count = static_cast<int64_t>(random() >> 1),
                     .spec_id = i % 3,
                     .is_deletes = i % 7 == 0,
                     .sequence_number = i,
                     .min_sequence_number = i / 2,
                     .added_snapshot_id = static_cast<int64_t>(random() >> 1),
                     .added_files = i,
                     .existing_files = 2 * i,
                     .deleted_files = 3,
                     .added_rows = 4,
                     .existing_rows = 5,
                     .deleted_rows = 6};
    if (i % 2 == 0) {
      row.partitions = {{.contains_null = true, .contains_nan = false, .lower_bound = "a"},
                        {.contains_null = false, .upper_bound = std::string("\0b", 2)}};
    }
    rows.push_back(row);
  }
  const auto read = DecodeManifestList(EncodeManifestList(rows, 9, std::nullopt, 4));
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), rows.size());
  for (size_t i = 0; i < rows.size(); ++i) {
    const ManifestFile& got = (*read)[i];
    const ManifestFile& want = rows[i];
    EXPECT_EQ(got.path, want.path);
    EXPECT_EQ(got.byte_count, want.byte_count);
    EXPECT_EQ(got.spec_id, want.spec_id);
    EXPECT_EQ(got.is_deletes, want.is_deletes);
    EXPECT_EQ(got.sequence_number, want.sequence_number);
    EXPECT_EQ(got.min_sequence_number, want.min_sequence_number);
    EXPECT_EQ(got.added_snapshot_id, want.added_snapshot_id);
    EXPECT_EQ(got.added_files, want.added_files);
    EXPECT_EQ(got.existing_files, want.existing_files);
    EXPECT_EQ(got.deleted_rows, want.deleted_rows);
    ASSERT_EQ(got.partitions.size(), want.partitions.size());
    for (size_t p = 0; p < got.partitions.size(); ++p) {
      EXPECT_EQ(got.partitions[p].contains_null, want.partitions[p].contains_null);
      EXPECT_EQ(got.partitions[p].contains_nan, want.partitions[p].contains_nan);
      EXPECT_EQ(got.partitions[p].lower_bound, want.partitions[p].lower_bound);
      EXPECT_EQ(got.partitions[p].upper_bound, want.partitions[p].upper_bound);
    }
  }
}

TEST(ManifestSchema, DecimalsGetTheFewestBytesThatHoldThem) {
  // Source: Parquet format, logical type DECIMAL, the table of precisions by byte count.
  const std::vector<std::pair<int32_t, int>> cases = {
      {1, 1},  {2, 1},  {3, 2},  {4, 2},  {6, 3},  {7, 4},   {9, 4},   {10, 5},
      {11, 5}, {12, 6}, {18, 8}, {19, 9}, {21, 9}, {22, 10}, {28, 12}, {38, 16}};
  for (const auto& [precision, bytes] : cases) {
    EXPECT_EQ(DecimalFixedBytes(precision), bytes) << precision;
  }
}

TEST(ManifestSchema, NamesAreMadeFitForAvro) {
  EXPECT_EQ(AvroName("ts_day"), "ts_day");
  EXPECT_EQ(AvroName("na me"), "na_x20me");
  EXPECT_EQ(AvroName("1st"), "_1st");
  EXPECT_EQ(AvroName("PM2.5"), "PM2_x2E5");
}

}  // namespace
}  // namespace catchwater
