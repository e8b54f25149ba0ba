#include "catchwater/lake/evolve.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/lake/lake_fixture_test.h"

namespace catchwater {
namespace {

constexpr int64_t kStartUs = 1'767'225'600'000'000;

class EvolveTest : public LakeTest {
 protected:
  static TableSpec WithColumn(TableSpec spec, const std::string& name,
                              std::shared_ptr<arrow::DataType> type) {
    const int index = spec.schema->GetFieldIndex(name);
    const auto field = arrow::field(name, std::move(type));
    spec.schema = (index < 0 ? spec.schema->AddField(spec.schema->num_fields(), field)
                             : spec.schema->SetField(index, field))
                      .ValueOrDie();
    return spec;
  }
};

TEST_F(EvolveTest, MakesATableOnce) {
  const auto first = Ensure(ReadingsSpec());
  EXPECT_EQ(first->metadata->last_column_id, 4);
  EXPECT_TRUE(first->metadata->schema().fields[0].is_required);
  EXPECT_EQ(first->metadata->spec().fields[0].field_id, 1000);
  EXPECT_EQ(first->metadata->default_sort_order_id, 1);
  EXPECT_EQ(first->event_time_column, "ts");
  EXPECT_FALSE(first->metadata->current_snapshot_id.has_value());
  EXPECT_EQ(Ensure(ReadingsSpec())->location, first->location);
  EXPECT_EQ(OpenLake({})->EnsureTable(ReadingsSpec(), "test", {}).ValueOrDie()->location,
            first->location);
}

TEST_F(EvolveTest, AddsColumnsThatOldRowsLack) {
  Ensure(ReadingsSpec());
  Append("sensors.readings", {{.id = 1, .ts_us = kStartUs}});
  const auto evolved = Ensure(WithColumn(ReadingsSpec(), "room", arrow::utf8()));
  EXPECT_EQ(evolved->metadata->schema().FieldByName("room")->id, 5);
  EXPECT_EQ(evolved->metadata->schemas.size(), 2U);
  EXPECT_EQ(evolved->record_count(), 1);
  const auto rows = ReadTable(*evolved);
  EXPECT_EQ(rows->GetColumnByName("room")->null_count(), 1);
}

TEST_F(EvolveTest, WidensColumns) {
  TableSpec spec = WithColumn(ReadingsSpec(), "n", arrow::int32());
  spec = WithColumn(spec, "x", arrow::float32());
  spec = WithColumn(spec, "m", arrow::decimal128(9, 2));
  const auto table = Ensure(spec);
  arrow::Int32Builder n;
  arrow::FloatBuilder x;
  arrow::Decimal128Builder m(arrow::decimal128(9, 2));
  ASSERT_TRUE(n.Append(-7).ok() && x.Append(0.25F).ok() && m.Append(arrow::Decimal128(125)).ok());
  const auto base = ReadingsBatch({{.id = 1, .ts_us = kStartUs}});
  arrow::ArrayVector columns = base->columns();
  columns.push_back(n.Finish().ValueOrDie());
  columns.push_back(x.Finish().ValueOrDie());
  columns.push_back(m.Finish().ValueOrDie());
  Committer committer(*lake_);
  ASSERT_TRUE(committer
                  .Commit(AppendRequest(
                      spec.table_key,
                      WriteFiles(*lake_, table, arrow::RecordBatch::Make(spec.schema, 1, columns))))
                  .ok());
  spec = WithColumn(spec, "n", arrow::int64());
  spec = WithColumn(spec, "x", arrow::float64());
  spec = WithColumn(spec, "m", arrow::decimal128(18, 2));
  const auto rows = ReadTable(*Ensure(spec));
  EXPECT_EQ(std::static_pointer_cast<arrow::Int64Scalar>(
                rows->GetColumnByName("n")->GetScalar(0).ValueOrDie())
                ->value,
            -7);
  EXPECT_EQ(rows->GetColumnByName("x")->type()->id(), arrow::Type::DOUBLE);
  EXPECT_TRUE(rows->GetColumnByName("m")->type()->Equals(arrow::decimal128(18, 2)));
}

TEST_F(EvolveTest, ANarrowerDeclarationKeepsTheWiderColumn) {
  const auto first = Ensure(WithColumn(ReadingsSpec(), "n", arrow::int64()));
  EXPECT_EQ(Ensure(WithColumn(ReadingsSpec(), "n", arrow::int32()))->location, first->location);
}

TEST_F(EvolveTest, RefusesTypesThatDoNotGoTogether) {
  Ensure(ReadingsSpec());
  for (const auto& type : {arrow::utf8(), arrow::boolean(), arrow::int64()}) {
    const auto result = lake_->EnsureTable(WithColumn(ReadingsSpec(), "value", type), "test", {});
    ASSERT_EQ(KindOf(result.status()), ErrorKind::kConfig) << type->ToString();
    EXPECT_NE(result.status().message().find("value double"), std::string::npos) << result.status();
  }
}

TEST_F(EvolveTest, RepartitionsFilesToCome) {
  Ensure(ReadingsSpec());
  Append("sensors.readings", {{.id = 1, .ts_us = kStartUs}});
  TableSpec spec = ReadingsSpec();
  spec.partition.push_back(ParsePartitionTerm("bucket(4, id)").ValueOrDie());
  const auto evolved = Ensure(spec);
  EXPECT_EQ(evolved->metadata->default_spec_id, 1);
  EXPECT_EQ(evolved->metadata->spec().fields[0].field_id, 1000);  // Kept.
  EXPECT_EQ(evolved->metadata->spec().fields[1].field_id, 1001);
  EXPECT_EQ(evolved->metadata->last_partition_id, 1001);
  const auto table = Append("sensors.readings", {{.id = 2, .ts_us = kStartUs}});
  const auto live = LiveFiles(*lake_, *table).ValueOrDie();
  ASSERT_EQ(live.size(), 2U);
  EXPECT_NE(live[0].spec_id, live[1].spec_id);
  EXPECT_EQ(ReadTable(*table)->num_rows(), 2);
  // And back: the old spec is used again.
  EXPECT_EQ(Ensure(ReadingsSpec())->metadata->default_spec_id, 0);
  EXPECT_EQ(Ensure(ReadingsSpec())->metadata->specs.size(), 2U);
}

TEST_F(EvolveTest, WhatWasRequiredMayBecomeOptionalNotTheOtherWayRound) {
  Ensure(ReadingsSpec());
  TableSpec spec = ReadingsSpec();
  spec.schema = spec.schema->SetField(0, arrow::field("id", arrow::int64())).ValueOrDie();
  EXPECT_FALSE(Ensure(spec)->metadata->schema().FieldByName("id")->is_required);
  EXPECT_FALSE(Ensure(ReadingsSpec())->metadata->schema().FieldByName("id")->is_required);
}

TEST_F(EvolveTest, ColumnsThatAreNoLongerDeclaredStayAndBecomeOptional) {
  Ensure(ReadingsSpec());
  TableSpec spec = ReadingsSpec();
  spec.schema = spec.schema->RemoveField(0).ValueOrDie();
  const auto evolved = Ensure(spec);
  ASSERT_NE(evolved->metadata->schema().FieldByName("id"), nullptr);
  EXPECT_FALSE(evolved->metadata->schema().FieldByName("id")->is_required);
}

TEST_F(EvolveTest, SetsPropertiesAndKeepsOthers) {
  TableSpec spec = ReadingsSpec();
  spec.properties["owner"] = "town";
  Ensure(spec);
  spec.properties = {{"unit", "°C"}};
  const auto evolved = Ensure(spec);
  EXPECT_EQ(evolved->metadata->properties.at("owner"), "town");
  EXPECT_EQ(evolved->metadata->properties.at("unit"), "°C");
}

TEST_F(EvolveTest, AWrongFenceChangesNothing) {
  const auto result = lake_->EnsureTable(ReadingsSpec(), "test", {{.lease = "nobody", .epoch = 9}});
  EXPECT_EQ(KindOf(result.status()), ErrorKind::kConflict) << result.status();
  EXPECT_EQ(KindOf(lake_->LoadTable("sensors.readings").status()), ErrorKind::kNotFound);
}

}  // namespace
}  // namespace catchwater
