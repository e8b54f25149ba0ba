#include "catchwater/lake/iceberg/metadata.h"

#include <string>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

// What another program may write: keys that we do not know, nested types, a tag, odd orders.
constexpr char kForeign[] = R"json({
  "last-updated-ms": 1700000000123, "format-version": 2, "location": "file:///w/t",
  "table-uuid": "6f0d9e0e-1111-4222-8333-0123456789ab", "last-sequence-number": 34,
  "last-column-id": 9, "statistics": [{"snapshot-id": 2, "statistics-path": "x"}],
  "schemas": [
    {"type": "struct", "schema-id": 0, "fields": [
      {"id": 1, "name": "x", "required": true, "type": "int"}]},
    {"type": "struct", "schema-id": 1, "identifier-field-ids": [1], "fields": [
      {"id": 1, "name": "x", "required": true, "type": "long", "doc": "ein \"Wert\""},
      {"id": 2, "name": "price", "required": false, "type": "decimal(9,2)"},
      {"id": 3, "name": "tags", "required": false,
       "type": {"type": "list", "element-id": 4, "element": "string", "element-required": false}},
      {"id": 9, "name": "raw", "required": false, "type": "fixed[16]"}]}],
  "current-schema-id": 1,
  "partition-specs": [{"spec-id": 0, "fields": []},
    {"spec-id": 1, "fields": [
      {"name": "x_bucket", "transform": "bucket[16]", "source-id": 1, "field-id": 1000}]}],
  "default-spec-id": 1, "last-partition-id": 1000,
  "sort-orders": [{"order-id": 3, "fields": [
      {"transform": "identity", "source-id": 1, "direction": "desc", "null-order": "nulls-last"}]}],
  "default-sort-order-id": 3, "properties": {"owner": "somebody"}, "current-snapshot-id": 2,
  "snapshots": [
    {"snapshot-id": 1, "timestamp-ms": 1700000000000, "sequence-number": 33,
     "manifest-list": "file:///w/t/s1.avro", "summary": {"operation": "append"}},
    {"snapshot-id": 2, "parent-snapshot-id": 1, "timestamp-ms": 1700000000100,
     "sequence-number": 34, "manifest-list": "file:///w/t/s2.avro", "schema-id": 1,
     "first-unknown": {"a": [1, 2]}, "summary": {"operation": "append", "total-records": "5"}}],
  "snapshot-log": [{"snapshot-id": 1, "timestamp-ms": 1700000000000},
                   {"snapshot-id": 2, "timestamp-ms": 1700000000100}],
  "metadata-log": [{"metadata-file": "file:///w/t/00001.json", "timestamp-ms": 1700000000000}],
  "refs": {"main": {"snapshot-id": 2, "type": "branch"},
           "audit": {"snapshot-id": 1, "type": "tag", "max-ref-age-ms": 99}}
})json";

std::string With(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Metadata, ReadsWhatAnotherProgramWrote) {
  const auto metadata = ParseMetadata(kForeign);
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->last_sequence_number, 34);
  EXPECT_EQ(metadata->schema().schema_id, 1);
  EXPECT_EQ(metadata->schema().FieldByName("x")->type.kind, TypeKind::kLong);
  EXPECT_EQ(metadata->schema().FieldByName("x")->doc, "ein \"Wert\"");
  EXPECT_EQ(metadata->schema().FieldById(2)->type.precision, 9);
  EXPECT_EQ(metadata->schema().FieldById(3)->type.kind, TypeKind::kNested);
  EXPECT_EQ(metadata->spec().fields[0].transform,
            (Transform{.kind = TransformKind::kBucket, .parameter = 16}));
  EXPECT_TRUE(metadata->sort_order().fields[0].is_descending);
  EXPECT_EQ(metadata->current_snapshot()->parent_snapshot_id, 1);
  EXPECT_EQ(metadata->refs.at("audit").is_branch, false);
  EXPECT_EQ(metadata->metadata_log.size(), 1U);
}

TEST(Metadata, KeepsWhatItDoesNotKnow) {
  const std::string written = MetadataToJson(ParseMetadata(kForeign).ValueOrDie());
  for (const char* part : {"statistics-path", "first-unknown", "max-ref-age-ms", "element-required",
                           "identifier-field-ids", "\"owner\":\"somebody\""}) {
    EXPECT_NE(written.find(part), std::string::npos) << part;
  }
  // Once through is enough: from then on nothing changes.
  EXPECT_EQ(MetadataToJson(ParseMetadata(written).ValueOrDie()), written);
}

TEST(Metadata, WritesNoCurrentSnapshotIfThereIsNone) {
  TableMetadata metadata;
  metadata.schemas.push_back(std::make_shared<IcebergSchema>());
  metadata.specs.push_back(std::make_shared<PartitionSpec>());
  metadata.sort_orders.push_back(std::make_shared<SortOrder>());
  const std::string written = MetadataToJson(metadata);
  EXPECT_EQ(written.find("current-snapshot-id"), std::string::npos);
  EXPECT_FALSE(ParseMetadata(written).ValueOrDie().current_snapshot_id.has_value());
}

TEST(Metadata, EscapesTexts) {
  TableMetadata metadata;
  metadata.schemas.push_back(std::make_shared<IcebergSchema>());
  metadata.specs.push_back(std::make_shared<PartitionSpec>());
  metadata.sort_orders.push_back(std::make_shared<SortOrder>());
  metadata.properties["a\"b"] = "line\nend\t\\ \x01 ä°";
  const auto read = ParseMetadata(MetadataToJson(metadata));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->properties, metadata.properties);
}

TEST(Metadata, MinusOneIsNoCurrentSnapshot) {
  auto text = With(kForeign, "\"current-snapshot-id\": 2", "\"current-snapshot-id\": -1");
  EXPECT_FALSE(ParseMetadata(text).ValueOrDie().current_snapshot_id.has_value());
}

struct Refusal {
  const char* name;
  const char* from;
  const char* to;
  ErrorKind kind;
  const char* message;
};

class MetadataRefusalTest : public ::testing::TestWithParam<Refusal> {};

TEST_P(MetadataRefusalTest, SaysWhatIsWrong) {
  const auto& c = GetParam();
  const auto metadata = ParseMetadata(With(kForeign, c.from, c.to));
  ASSERT_FALSE(metadata.ok());
  EXPECT_EQ(KindOf(metadata.status()), c.kind) << metadata.status();
  EXPECT_NE(metadata.status().message().find(c.message), std::string::npos) << metadata.status();
}

INSTANTIATE_TEST_SUITE_P(
    Table, MetadataRefusalTest,
    ::testing::Values(
        Refusal{"Format1", "\"format-version\": 2", "\"format-version\": 1", ErrorKind::kConfig,
                "upgrade it"},
        Refusal{"Format3", "\"format-version\": 2", "\"format-version\": 3", ErrorKind::kConfig,
                "newer Iceberg format"},
        Refusal{"NoFormat", "\"format-version\": 2,", "", ErrorKind::kBadData, "format-version"},
        Refusal{"NoUuid", "\"table-uuid\"", "\"uuid\"", ErrorKind::kBadData, "table-uuid"},
        Refusal{"TextForNumber", "\"last-column-id\": 9", "\"last-column-id\": \"9\"",
                ErrorKind::kBadData, "last-column-id"},
        Refusal{"NumberTooLarge", "\"last-column-id\": 9", "\"last-column-id\": 99999999999",
                ErrorKind::kBadData, "last-column-id"},
        Refusal{"UnknownCurrentSchema", "\"current-schema-id\": 1", "\"current-schema-id\": 8",
                ErrorKind::kBadData, "current schema"},
        Refusal{"UnknownSpec", "\"default-spec-id\": 1", "\"default-spec-id\": 8",
                ErrorKind::kBadData, "partition spec"},
        Refusal{"UnknownSnapshot", "\"current-snapshot-id\": 2", "\"current-snapshot-id\": 8",
                ErrorKind::kBadData, "current snapshot"},
        Refusal{"UnknownType", "\"decimal(9,2)\"", "\"variant\"", ErrorKind::kBadData, "variant"},
        Refusal{"UnknownTransform", "bucket[16]", "zorder[16]", ErrorKind::kBadData, "zorder"}),
    [](const auto& test) { return test.param.name; });

TEST(Metadata, RefusesWhatIsNoMetadata) {
  for (const std::string text : {"", "7", "[]", "{", "{}", "null", "{\"format-version\": \"2\"}"}) {
    EXPECT_EQ(KindOf(ParseMetadata(text).status()), ErrorKind::kBadData) << text;
  }
  EXPECT_FALSE(ParseMetadata(std::string(1'000'000, '[')).ok());
}

}  // namespace
}  // namespace catchwater
