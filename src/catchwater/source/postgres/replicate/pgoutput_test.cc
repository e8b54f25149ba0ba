#include "catchwater/source/postgres/replicate/pgoutput.h"

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/pgoutput_bytes.h"

namespace catchwater {
namespace {

using Kind = PgValue::Kind;

PgMessage Parsed(const std::string& bytes) {
  auto message = ParsePgOutput(bytes);
  EXPECT_TRUE(message.ok()) << message.status();
  return message.ok() ? *std::move(message) : PgMessage();
}

TEST(PgOutput, ReadsATransactionsEnds) {
  const auto begin = std::get<PgBegin>(Parsed(pg_bytes::Begin(0x1'0000'0010, 1)));
  EXPECT_EQ(begin.commit_lsn, 0x1'0000'0010U);
  EXPECT_EQ(begin.commit_us, 946'684'800'000'001);
  const auto commit = std::get<PgCommit>(Parsed(pg_bytes::Commit(16, 32)));
  EXPECT_EQ(commit.commit_lsn, 16U);
  EXPECT_EQ(commit.end_lsn, 32U);
}

TEST(PgOutput, ReadsATable) {
  const auto relation =
      std::get<PgRelation>(Parsed(pg_bytes::Relation(9, {{"id", 20, true}, {"é", 25, false}})));
  EXPECT_EQ(relation.oid, 9U);
  EXPECT_EQ(relation.schema + "." + relation.table, "public.t");
  ASSERT_EQ(relation.columns.size(), 2U);
  EXPECT_EQ(relation.columns[0],
            (PgRelation::Column{.name = "id", .type_oid = 20, .is_identity = true}));
  EXPECT_EQ(relation.columns[1].name, "é");
}

TEST(PgOutput, ReadsChanges) {
  const std::string insert = pg_bytes::Insert(9, {"1", std::nullopt, "\1", ""});
  const auto inserted = std::get<PgChange>(Parsed(insert));
  EXPECT_EQ(inserted.kind, PgChange::Kind::kInsert);
  EXPECT_FALSE(inserted.before);
  ASSERT_EQ(inserted.after.size(), 4U);
  EXPECT_EQ(inserted.after[0].text, "1");
  EXPECT_EQ(inserted.after[1].kind, Kind::kNull);
  EXPECT_EQ(inserted.after[2].kind, Kind::kUnchanged);
  EXPECT_EQ(inserted.after[3].kind, Kind::kText);

  const std::string update = pg_bytes::Update(9, {"2"}, 'O', {"1"});
  const auto updated = std::get<PgChange>(Parsed(update));
  EXPECT_TRUE(updated.is_before_whole);
  EXPECT_EQ(updated.before->at(0).text, "1");
  EXPECT_EQ(updated.after[0].text, "2");
  const std::string plain = pg_bytes::Update(9, {"2"});
  EXPECT_FALSE(std::get<PgChange>(Parsed(plain)).before);

  const std::string removal = pg_bytes::Delete(9, {"1", std::nullopt});
  const auto removed = std::get<PgChange>(Parsed(removal));
  EXPECT_EQ(removed.kind, PgChange::Kind::kDelete);
  EXPECT_FALSE(removed.is_before_whole);
  EXPECT_EQ(removed.before->size(), 2U);
  EXPECT_TRUE(removed.after.empty());

  EXPECT_EQ(std::get<PgTruncate>(Parsed(pg_bytes::Truncate({9, 10}))).relation_oids,
            (std::vector<uint32_t>{9, 10}));
}

TEST(PgOutput, LetsPassWhatIsOfNoInterest) {
  for (const std::string bytes : {"Yxyz", "O12345678name", "M"}) {
    EXPECT_TRUE(std::holds_alternative<PgOther>(Parsed(bytes))) << bytes;
  }
}

TEST(PgOutput, RefusesWhatIsCutOffOrTooLong) {
  const std::vector<std::string> whole = {
      pg_bytes::Begin(1),
      pg_bytes::Commit(1, 2),
      pg_bytes::Relation(9, {{"id", 20, true}}),
      pg_bytes::Insert(9, {"1", std::nullopt}),
      pg_bytes::Update(9, {"2"}, 'K', {"1"}),
      pg_bytes::Delete(9, {"1"}),
      pg_bytes::Truncate({9, 10}),
  };
  for (const std::string& bytes : whole) {
    for (size_t length = 0; length < bytes.size(); ++length) {
      const auto cut = ParsePgOutput(std::string_view(bytes).substr(0, length));
      EXPECT_EQ(KindOf(cut.status()), ErrorKind::kBadData) << bytes[0] << " " << length;
    }
    EXPECT_FALSE(ParsePgOutput(bytes + "x").ok()) << bytes[0];
  }
  // A column of binary form, a streamed transaction, a delete with a new row.
  for (const std::string& bytes :
       {"I" + pg_bytes::Number(9, 4) + "N" + pg_bytes::Number(1, 2) + "b" + pg_bytes::Number(0, 4),
        std::string("S12345"), "D" + pg_bytes::Number(9, 4) + "N" + pg_bytes::Tuple({"1"}),
        "I" + pg_bytes::Number(9, 4) + "K" + pg_bytes::Tuple({"1"})}) {
    EXPECT_FALSE(ParsePgOutput(bytes).ok()) << bytes[0];
  }
}

TEST(PgOutput, ReadsWhatWrapsTheMessages) {
  const std::string wrapped = pg_bytes::WalData("Bxyz");
  EXPECT_EQ(ParsePgWalData(wrapped)->message, "Bxyz");
  const std::string life = pg_bytes::Keepalive(77, true);
  const auto keepalive = ParsePgWalData(life).ValueOrDie();
  EXPECT_TRUE(keepalive.message.empty());
  EXPECT_EQ(keepalive.wal_end, 77U);
  EXPECT_TRUE(keepalive.wants_answer);
  for (const std::string& bytes : {std::string(), std::string("x"), pg_bytes::WalData(""),
                                   life.substr(0, 17), life + "x", std::string("w123")}) {
    EXPECT_FALSE(ParsePgWalData(bytes).ok()) << bytes.size();
  }
}

TEST(PgOutput, AnswersWithThePlaceThreeTimes) {
  const std::string told = PgStatusUpdate(0x0102, 946'684'800'000'005, true);
  const std::string lsn = pg_bytes::Number(0x0102, 8);
  EXPECT_EQ(told, "r" + lsn + lsn + lsn + pg_bytes::Number(5, 8) + '\1');
}

}  // namespace
}  // namespace catchwater
