#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <arrow/array.h>
#include <gtest/gtest.h>
#include <rdkafka.h>
#include <rdkafka_mock.h>

#include "catchwater/base/clock.h"
#include "catchwater/base/error.h"
#include "catchwater/kafka/client.h"
#include "catchwater/source/kafka/kafka_source_internal.h"
#include "catchwater/testing/memory_files.h"

namespace catchwater {
namespace {

constexpr std::chrono::seconds kWaitMax{60};

/// librdkafka's own cluster in memory: quick, and no proof of anything about a real broker.
class KafkaSourceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    KafkaConnection connection;
    connection.brokers = "localhost:1";
    KafkaClient::Options options;
    options.fixed = {{"test.mock.num.brokers", "1"}};
    producer_ = KafkaClient::Make(connection, options).ValueOrDie();
    mock_ = rd_kafka_handle_mock_cluster(producer_->get());
    ASSERT_EQ(rd_kafka_mock_topic_create(mock_, "readings", 2, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    config_.connection.brokers = rd_kafka_mock_cluster_bootstraps(mock_);
    config_.topics = {"readings"};
  }

  void Produce(int32_t partition, int first, int behind) {
    for (int i = first; i < behind; ++i) {
      const std::string value = "value " + std::to_string(i);
      const std::string key = "key " + std::to_string(i);
      ASSERT_EQ(rd_kafka_producev(producer_->get(), RD_KAFKA_V_TOPIC("readings"),
                                  RD_KAFKA_V_PARTITION(partition),
                                  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                                  RD_KAFKA_V_VALUE(const_cast<char*>(value.data()), value.size()),
                                  RD_KAFKA_V_KEY(key.data(), key.size()), RD_KAFKA_V_END),
                RD_KAFKA_RESP_ERR_NO_ERROR);
    }
    ASSERT_EQ(rd_kafka_flush(producer_->get(), 60'000), RD_KAFKA_RESP_ERR_NO_ERROR);
  }

  std::unique_ptr<KafkaSource> Open() {
    const SourceContext context{.files = files_, .clock = clock_, .pipeline = "p"};
    auto source = KafkaSource::Make(config_, context).ValueOrDie();
    source->SetFrameColumns({"key", "offset"});
    EXPECT_TRUE(source->Check().ok());
    return source;
  }

  /// Does what the pipeline does, until so many frames are read and the source is caught up.
  std::vector<Block> Read(KafkaSource& source, int64_t frame_count) {
    std::vector<Block> blocks;
    int64_t seen = 0;
    EXPECT_TRUE(source.Discover().ok());
    const auto give_up = std::chrono::steady_clock::now() + kWaitMax;
    while (std::chrono::steady_clock::now() < give_up) {
      NextResult next = source.Next({}).ValueOrDie();
      if (auto* block = std::get_if<Block>(&next)) {
        Position& at = positions_[block->origin.range.partition_id];
        EXPECT_EQ(at, block->origin.range.from);
        at = block->origin.range.to;
        seen += static_cast<int64_t>(block->frame_ends.size());
        blocks.push_back(std::move(*block));
      } else if (const auto* skip = std::get_if<Skip>(&next)) {
        positions_[skip->partition_id] = skip->to;
      } else if (std::holds_alternative<OffersChanged>(next)) {
        for (const Offer& offer : source.Discover().ValueOrDie()) OpenOffer(source, offer);
      } else if (const auto* wait = std::get_if<NotYet>(&next)) {
        if (wait->is_caught_up && seen >= frame_count) return blocks;
      }
    }
    ADD_FAILURE() << "read only so many frames: " << seen;
    return blocks;
  }

  void OpenOffer(KafkaSource& source, const Offer& offer) {
    const int64_t id = offer.name == "readings[0]" ? 1 : 2;
    EXPECT_EQ(offer.is_bounded, false);
    EXPECT_TRUE(source.Open(offer, id, positions_[id]).ok());
  }

  MemoryFiles files_;
  SystemClock clock_;
  KafkaSourceConfig config_;
  std::unique_ptr<KafkaClient> producer_;
  rd_kafka_mock_cluster_t* mock_ = nullptr;
  std::map<int64_t, Position> positions_;
};

std::vector<std::string> TextsOf(const std::vector<Block>& blocks, int64_t partition_id) {
  std::vector<std::string> texts;
  for (const Block& block : blocks) {
    if (block.origin.range.partition_id != partition_id) continue;
    int64_t begin = 0;
    for (const int64_t end : block.frame_ends) {
      texts.push_back(block.bytes->ToString().substr(static_cast<size_t>(begin),
                                                     static_cast<size_t>(end - begin)));
      begin = end;
    }
  }
  return texts;
}

TEST_F(KafkaSourceTest, ResumesAtThePositionsOfTheLedger) {
  Produce(0, 0, 500);
  Produce(1, 1000, 1200);
  {
    const auto source = Open();
    const auto blocks = Read(*source, 700);
    const auto texts = TextsOf(blocks, 1);
    ASSERT_EQ(texts.size(), 500U);
    EXPECT_EQ(texts.front(), "value 0");
    EXPECT_EQ(texts.back(), "value 499");
    EXPECT_EQ(TextsOf(blocks, 2).size(), 200U);
    EXPECT_EQ(positions_[1].ordinal, 500U);
    const Block& first = blocks.front();
    ASSERT_NE(first.frame_columns, nullptr);
    const auto& offsets =
        static_cast<const arrow::Int64Array&>(*first.frame_columns->GetColumnByName("offset"));
    EXPECT_EQ(static_cast<uint64_t>(offsets.Value(0)), first.frame_ordinals[0]);
    ASSERT_TRUE(source->Confirm().ok());
    ASSERT_TRUE(source->Close().ok());
  }
  Produce(0, 500, 510);
  positions_[2].ordinal = 150;  // As if its last commit had been refused.
  const auto source = Open();
  const auto blocks = Read(*source, 60);
  EXPECT_EQ(TextsOf(blocks, 1).front(), "value 500");
  EXPECT_EQ(TextsOf(blocks, 1).size(), 10U);
  EXPECT_EQ(TextsOf(blocks, 2).front(), "value 1150");
  EXPECT_EQ(TextsOf(blocks, 2).size(), 50U);
}

TEST_F(KafkaSourceTest, RefusesATopicThatDoesNotExist) {
  config_.topics = {"no-such-topic"};
  const SourceContext context{.files = files_, .clock = clock_, .pipeline = "p"};
  const auto source = KafkaSource::Make(config_, context).ValueOrDie();
  const arrow::Status status = source->Check();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(KindOf(status), ErrorKind::kNotFound);
  EXPECT_NE(status.message().find("create: true"), std::string::npos) << status;
}

TEST(KafkaSourceConfig, RefusesWhatMakesNoSense) {
  KafkaSourceConfig config;
  config.connection.brokers = "localhost:9092";
  config.topics = {"a.b_c-1"};
  EXPECT_TRUE(config.Check().ok());
  for (const std::string start : {"latest", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00+01:00"}) {
    config.start = start;
    EXPECT_TRUE(config.Check().ok()) << start;
  }
  config.start = "yesterday";
  EXPECT_FALSE(config.Check().ok());
  config.start = "earliest";
  for (const std::string topic : {"", "a b", "^a.*", "ä"}) {
    config.topics = {topic};
    EXPECT_FALSE(config.Check().ok()) << topic;
  }
}

}  // namespace
}  // namespace catchwater
