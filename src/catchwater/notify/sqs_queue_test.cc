#include "catchwater/notify/sqs_queue.h"

#include <string>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

// What it asks and how it signs is judged by servers: test/integration/test_notify_sqs.py.
TEST(ParseSqsMessages, TakesWhatHasAReceipt) {
  const auto messages =
      ParseSqsMessages(
          R"({"Messages":[{"ReceiptHandle":"r1","Body":"a"},{"Body":"b"},5,{"ReceiptHandle":"r3"}]})")
          .ValueOrDie();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0].body, "a");
  EXPECT_EQ(messages[1].receipt, "r3");
  EXPECT_EQ(messages[1].body, "");
}

TEST(ParseSqsMessages, NoneAreNoError) {
  for (const char* answer : {"{}", R"({"Messages":null})", R"({"Messages":[]})"}) {
    EXPECT_EQ(ParseSqsMessages(answer).ValueOrDie().size(), 0u) << answer;
  }
  for (const char* answer : {"", "<html>", "[]"}) {
    EXPECT_EQ(KindOf(ParseSqsMessages(answer).status()), ErrorKind::kUnavailable) << answer;
  }
}

TEST(RegionOfSqs, IsInTheUrlsOfAmazon) {
  EXPECT_EQ(RegionOfSqs("https://sqs.eu-west-1.amazonaws.com/123456789012/q"), "eu-west-1");
  EXPECT_EQ(RegionOfSqs("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/q"), "cn-north-1");
  EXPECT_EQ(RegionOfSqs("http://localhost:9324/000000000000/q"), "");
  EXPECT_EQ(RegionOfSqs("https://sqs.amazonaws.com/1/q"), "");
}

}  // namespace
}  // namespace catchwater
