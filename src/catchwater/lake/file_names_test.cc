#include "catchwater/lake/file_names.h"

#include <string>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

const std::string kUuid = "6f0d9e0e-1111-4222-8333-0123456789ab";

TEST(FileNames, AllCarryTheirWritersLeaseAndEpoch) {
  const WriterTag tag = MakeWriterTag("pipeline/sensors", 42);
  for (const std::string& name : {DataFileName(tag, kUuid, 7), ManifestName(tag, kUuid, 0),
                                  ManifestListName(tag, 1234567890123456789, kUuid),
                                  MetadataName(tag, 12, 0xFFFFFFFFFFFFFFFF)}) {
    const auto read = ReadWriterTag(name);
    ASSERT_TRUE(read.has_value()) << name;
    EXPECT_EQ(*read, tag) << name;
  }
}

TEST(FileNames, NamesOfOtherProgramsHaveNoTag) {
  for (const char* name :
       {"", "00001-6f0d9e0e-1111-4222-8333-0123456789ab.metadata.json", "v3.metadata.json",
        "snap-123-1-6f0d9e0e-1111-4222-8333-0123456789ab.avro", "snap-", "x.parquet",
        "00000-0-6f0d9e0e-1111-4222-8333-0123456789ab-00001.parquet",
        "6f0d9e0e-1111-4222-8333-0123456789ab-m0.avro", "12345678-", "12345678-1"}) {
    EXPECT_FALSE(ReadWriterTag(name).has_value()) << name;
  }
}

TEST(FileNames, MetadataVersionsCountUp) {
  const WriterTag tag = MakeWriterTag("", 0);
  EXPECT_EQ(MetadataVersion("file:///w/metadata/" + MetadataName(tag, 0, 1)), 0);
  EXPECT_EQ(MetadataVersion("file:///w/metadata/" + MetadataName(tag, 123'456, 1)), 123'456);
  EXPECT_EQ(MetadataVersion("file:///a-b/metadata/v3.metadata.json"), 0);
}

struct FolderCase {
  const char* name;
  Transform transform;
  Literal value;
  const char* key;
};

class PartitionKeyTest : public ::testing::TestWithParam<FolderCase> {};

TEST_P(PartitionKeyTest, ReadsAsPeopleWriteIt) {
  const auto& c = GetParam();
  const PartitionSpec spec{.fields = {{.name = "p", .transform = c.transform}}};
  EXPECT_EQ(PartitionKeyText(spec, {{.kind = TypeKind::kInt}}, {c.value}), c.key);
}

INSTANTIATE_TEST_SUITE_P(
    Table, PartitionKeyTest,
    ::testing::Values(
        FolderCase{"Day", {TransformKind::kDay, 0}, int32_t{20'455}, "p=2026-01-02"},
        FolderCase{"DayBefore1970", {TransformKind::kDay, 0}, int32_t{-1}, "p=1969-12-31"},
        FolderCase{"Hour", {TransformKind::kHour, 0}, int32_t{20'455 * 24 + 15}, "p=2026-01-02-15"},
        FolderCase{"HourBefore1970", {TransformKind::kHour, 0}, int32_t{-1}, "p=1969-12-31-23"},
        FolderCase{"Month", {TransformKind::kMonth, 0}, int32_t{56 * 12}, "p=2026-01"},
        FolderCase{"MonthBefore1970", {TransformKind::kMonth, 0}, int32_t{-1}, "p=1969-12"},
        FolderCase{"Year", {TransformKind::kYear, 0}, int32_t{-1}, "p=1969"},
        FolderCase{"Bucket", {TransformKind::kBucket, 16}, int32_t{3}, "p=3"},
        FolderCase{"Null", {TransformKind::kDay, 0}, std::monostate{}, "p=null"},
        FolderCase{"TextNull", {}, std::string("null"), "p=null%00"},
        FolderCase{"Slash", {}, std::string("a/b=c%"), "p=a%2Fb%3Dc%25"}),
    [](const auto& test) { return test.param.name; });

TEST(PartitionFolder, PlainKeysAreTheirFolder) {
  EXPECT_EQ(PartitionFolder("ts_day=2026-01-02/id_bucket=3"), "ts_day=2026-01-02/id_bucket=3");
  EXPECT_EQ(PartitionFolder(""), "");
}

TEST(PartitionFolder, OtherCharactersAreReplacedAndStayApart) {
  const std::string a = PartitionFolder("room=Büro 1");
  const std::string b = PartitionFolder("room=Büro:1");
  EXPECT_NE(a, b);
  for (const std::string& folder :
       {a, b, PartitionFolder("x=" + std::string(5'000, 'y')), PartitionFolder("x=%2F..%2F")}) {
    EXPECT_LE(folder.size(), 120U);
    EXPECT_EQ(folder.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789_.=-"),
              std::string::npos)
        << folder;
  }
}

}  // namespace
}  // namespace catchwater
