/// \file
/// The source behind kafka_source.h.
///
/// Positions are the ledger's. A position is the next offset; its token holds the leader epoch of
/// the record before it, so that a log that was cut is found. A partition is `topic[number]`, its
/// incarnation the topic's id: a topic that is deleted and made anew is another partition.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/component/source.h"
#include "catchwater/source/kafka/block_builder.h"
#include "catchwater/source/kafka/group_member.h"
#include "catchwater/source/kafka/kafka_source.h"

namespace catchwater {

/// One thread at a time.
class KafkaSource final : public Source {
 public:
  static arrow::Result<std::unique_ptr<KafkaSource>> Make(const KafkaSourceConfig& config,
                                                          const SourceContext& context);

  arrow::Status Check() override;
  arrow::Result<std::vector<Offer>> Discover() override;
  arrow::Status Open(const Offer& offer, int64_t partition_id, const Position& resume_at) override;
  arrow::Result<NextResult> Next(std::stop_token stop) override;
  arrow::Status Confirm() override;
  arrow::Status Acknowledge(int64_t partition_id, const Position& position) override;
  arrow::Status Close() override;
  int64_t discover_interval_ms() const override { return 1'000; }
  void SetFrameColumns(std::vector<std::string> names) override {
    frame_columns_ = std::move(names);
  }

 private:
  struct Reader {
    KafkaPartition partition;
    int64_t id = 0;
    int64_t next_offset = 0;  ///< Of the position: all before it was delivered or skipped.
    int64_t behind = 0;       ///< Of the builder's last message.
    int32_t leader_epoch = -1;
    int64_t receive_us = 0;
    bool is_at_end = false;
    bool is_to_be_read_again = false;  ///< From next_offset on; till then nothing is taken.
    int64_t read_again_at = -1;        ///< Once is enough.
    BlockBuilder builder;
  };

  KafkaSource(KafkaSourceConfig config, const SourceContext& context);
  arrow::Status LookAtTopics();
  arrow::Result<int64_t> StartOf(const KafkaPartition& partition, bool is_anew);
  arrow::Status HandOverRevoked();
  arrow::Status Collect(std::stop_token stop);
  arrow::Status Take(rd_kafka_message_t& message);
  arrow::Status TakeRecord(Reader& reader, const rd_kafka_message_t& message);
  arrow::Status TakeError(const rd_kafka_message_t& message);
  arrow::Status TakeEnd(Reader& reader, int64_t offset);
  arrow::Status TakeGap(Reader& reader, const std::string& reason);
  bool IsToBeReadAgain(Reader& reader, int64_t offset);
  arrow::Status ReadAgain();
  arrow::Status Deliver(Reader& reader);
  arrow::Status Reject(Reader& reader, const rd_kafka_message_t& message);
  void SkipTo(Reader& reader, int64_t offset, int64_t lost, std::string reason);
  bool IsCaughtUp() const;

  const KafkaSourceConfig config_;
  const Clock& clock_;
  const std::string pipeline_;
  const int64_t frame_bytes_max_;
  Bell* const bell_;  // Null: nobody listens.
  const std::string instance_id_;
  std::vector<std::string> frame_columns_;
  std::shared_ptr<ReadBufferPool> pool_;
  std::unique_ptr<GroupMember> member_;
  bool is_subscribed_ = false;
  bool is_yielding_ = false;  // The pipeline was told of what is revoked.
  std::map<std::string, KafkaTopic> topics_;
  std::map<KafkaPartition, Reader> readers_;
  std::map<int64_t, KafkaPartition> by_id_;
  std::vector<rd_kafka_message_t*> fetched_;
  std::deque<NextResult> ready_;
};

}  // namespace catchwater
