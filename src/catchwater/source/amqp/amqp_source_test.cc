#include "catchwater/source/amqp/amqp_source.h"

#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/source/amqp/amqp_batch.h"

namespace catchwater {
namespace {

// How it reads is judged by a real broker: test/integration/test_amqp.py.
TEST(AmqpSourceConfig, RefusesWhatMakesNoSense) {
  AmqpSourceConfig good;
  good.broker.url = "amqp://localhost";
  good.queues = {"readings"};
  EXPECT_TRUE(good.Check().ok());
  struct Case {
    std::string name;
    std::function<void(AmqpSourceConfig&)> change;
    std::string want;
  };
  const Case cases[] = {
      {"url", [](auto& config) { config.broker.url = "http://x"; }, "`url`"},
      {"no name", [](auto& config) { config.queues = {""}; }, "`queues`"},
      {"long name", [](auto& config) { config.queues = {std::string(256, 'x')}; }, "`queues`"},
      {"start", [](auto& config) { config.start = "latest"; }, "`start`"},
      {"type",
       [](auto& config) {
         config.arguments = {{"x-queue-type", "quorum"}};
       },
       "`type`"},
      {"at most once",
       [](auto& config) {
         config.type = AmqpQueueType::kStream;
         config.delivery = AmqpDelivery::kAtMostOnce;
       },
       "at_most_once"},
      {"time",
       [](auto& config) {
         config.type = AmqpQueueType::kStream;
         config.start = "yesterday";
       },
       "`start`"},
  };
  for (const Case& one : cases) {
    AmqpSourceConfig config = good;
    one.change(config);
    const arrow::Status status = config.Check();
    ASSERT_FALSE(status.ok()) << one.name;
    EXPECT_EQ(KindOf(status), ErrorKind::kConfig) << one.name;
    EXPECT_NE(status.message().find(one.want), std::string::npos) << status;
  }
  good.type = AmqpQueueType::kStream;
  for (const std::string start : {"latest", "2026-01-01T00:00:00Z"}) {
    good.start = start;
    EXPECT_TRUE(good.Check().ok()) << start;
  }
}

TEST(AmqpBatch, MakesABlockOfMessages) {
  AmqpBatch batch(/*queue=*/2, /*session=*/7, {"routing_key", "message_id", "redelivered"});
  const AmqpMessage first{.tag = 11, .body = "ab", .routing_key = "r", .message_id = "m1"};
  const AmqpMessage second{.tag = 12, .is_redelivered = true, .body = "", .routing_key = ""};
  ASSERT_TRUE(batch.Add(first, "q", 1'000, 10).ok());
  ASSERT_TRUE(batch.Add(second, "q", 2'000, 10).ok());
  EXPECT_EQ(batch.last_tag(), 12U);
  EXPECT_EQ(batch.queue(), 2U);
  EXPECT_EQ(batch.session(), 7);
  EXPECT_FALSE(batch.has_offsets());
  const Block block = batch.Finish(/*ordinal=*/100).ValueOrDie();
  EXPECT_EQ(block.bytes->ToString(), "ab");
  EXPECT_EQ(block.frame_ends, (std::vector<int64_t>{2, 2}));
  EXPECT_EQ(block.frame_ordinals, (std::vector<uint64_t>{100, 101}));
  EXPECT_EQ(block.origin.receive_us, 1'000);
  EXPECT_TRUE(block.reject_reason.empty());
  ASSERT_EQ(block.frame_columns->num_columns(), 3);
  EXPECT_EQ(block.frame_columns->column(1)->null_count(), 1);
  const auto& redelivered = static_cast<const arrow::BinaryArray&>(*block.frame_columns->column(2));
  EXPECT_EQ(redelivered.GetView(0), "false");
  EXPECT_EQ(redelivered.GetView(1), "true");
}

TEST(AmqpBatch, OrdinalsOfAStreamAreItsOffsets) {
  AmqpBatch batch(0, 1, {"offset", "timestamp"});
  ASSERT_TRUE(batch.Add({.body = "a", .sent_at_s = 5, .stream_offset = 40}, "q", 1, 10).ok());
  ASSERT_TRUE(batch.Add({.body = "b", .stream_offset = 42}, "q", 1, 10).ok());
  EXPECT_EQ(batch.last_offset(), 42U);
  const Block block = batch.Finish(0).ValueOrDie();
  EXPECT_EQ(block.frame_ordinals, (std::vector<uint64_t>{40, 42}));
  EXPECT_EQ(block.frame_columns->column(1)->null_count(), 1);
}

TEST(AmqpBatch, RejectsWhatIsTooLong) {
  AmqpBatch batch(0, 1, {});
  ASSERT_TRUE(batch.Add({.body = "abcdef"}, "q", 1, /*frame_bytes_max=*/5).ok());
  EXPECT_TRUE(batch.is_rejected());
  const Block block = batch.Finish(3).ValueOrDie();
  EXPECT_EQ(block.reject_bytes, 6);
  EXPECT_NE(block.reject_reason.find("6"), std::string::npos);
  EXPECT_EQ(block.bytes->ToString(), "abcdef");
}

TEST(AmqpMark, TellsMessagesApart) {
  const AmqpMessage message{.body = "a", .message_id = "1", .sent_at_s = 1};
  AmqpMessage other = message;
  EXPECT_EQ(AmqpMark(message), AmqpMark(other));
  other.body = "b";
  EXPECT_NE(AmqpMark(message), AmqpMark(other));
  other = message;
  other.message_id = "2";
  EXPECT_NE(AmqpMark(message), AmqpMark(other));
  other = message;
  other.sent_at_s = 2;
  EXPECT_NE(AmqpMark(message), AmqpMark(other));
}

}  // namespace
}  // namespace catchwater
