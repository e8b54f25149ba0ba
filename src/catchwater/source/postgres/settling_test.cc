#include "catchwater/source/postgres/settling.h"

#include <gtest/gtest.h>

namespace catchwater {
namespace {

TEST(Settling, WaitsForThoseOfTheBeginningOnly) {
  Settling settling;
  settling.Begin({.running = {"3/1", "4/7"}, .prepared = {}});
  EXPECT_FALSE(settling.IsDone({.running = {"3/1", "5/2"}, .prepared = {}}));
  EXPECT_TRUE(settling.IsDone({.running = {"3/2", "5/2"}, .prepared = {}}));
}

TEST(Settling, NothingRunsSoNothingIsWaitedFor) {
  Settling settling;
  settling.Begin({});
  EXPECT_TRUE(settling.IsDone({.running = {"3/1"}, .prepared = {"77"}}));
}

TEST(Settling, APreparedTransactionHasNotEnded) {
  Settling settling;
  settling.Begin({.running = {"3/1"}, .prepared = {"70"}});
  EXPECT_FALSE(settling.IsDone({.running = {"3/1"}, .prepared = {"70", "71"}}));
  EXPECT_FALSE(settling.IsDone({.running = {}, .prepared = {"72"}})) << "72 may be 3/1";
  EXPECT_FALSE(settling.IsDone({.running = {}, .prepared = {"72", "73"}}));
  EXPECT_TRUE(settling.IsDone({.running = {}, .prepared = {"73"}}));
}

}  // namespace
}  // namespace catchwater
