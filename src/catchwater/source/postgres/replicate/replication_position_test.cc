#include "catchwater/source/postgres/replicate/replication_position.h"

#include <gtest/gtest.h>

#include "catchwater/component/source.h"

namespace catchwater {
namespace {

TEST(ReplicationPosition, IsReadAsItWasWritten) {
  const ReplicationPosition at{.slot = "s_1",
                               .lsn = 0x16'0000'0A10,
                               .row_count = 7,
                               .snapshot = "id",
                               .snapshot_at = 12,
                               .columns = 5};
  EXPECT_EQ(at.Token(),
            R"({"lsn":"16/A10","rows":7,"slot":"s_1","columns":5,"snapshot":"id","at":12})");
  const auto read = ReplicationPosition::FromToken(at.Token()).ValueOrDie();
  ASSERT_TRUE(read);
  EXPECT_EQ(read->Token(), at.Token());
  EXPECT_EQ(read->lsn, at.lsn);
}

TEST(ReplicationPosition, IsNoneBeforeTheBeginning) {
  EXPECT_FALSE(ReplicationPosition::FromToken("").ValueOrDie());
  EXPECT_FALSE(ReplicationPosition::FromToken(std::string(kNewIncarnation)).ValueOrDie());
}

TEST(ReplicationPosition, RefusesWhatIsNone) {
  for (const char* token : {"[\"1\"]", "{}", "x", R"({"lsn":"16/A10"})",
                            R"({"lsn":"16","slot":"s"})", R"({"lsn":"1/x","slot":"s"})",
                            R"({"lsn":"1/100000000","slot":"s"})", R"({"lsn":1,"slot":"s"})"}) {
    EXPECT_FALSE(ReplicationPosition::FromToken(token).ok()) << token;
  }
}

}  // namespace
}  // namespace catchwater
