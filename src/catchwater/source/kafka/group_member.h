/// \file
/// A member of a consumer group: what is assigned to it, what it reads. librdkafka assigns nothing
/// by itself: a partition is read from where we say, once we may read it.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/base/bell.h"
#include "catchwater/kafka/client.h"

namespace catchwater {

/// Topic and number.
using KafkaPartition = std::pair<std::string, int32_t>;

struct GroupMemberOptions {
  KafkaConnection connection;
  std::vector<std::string> topics;
  std::string group;
  std::string instance_id;  ///< Empty: a member of no fixed name.
  Bell* bell = nullptr;     ///< Rung when there is something to fetch; null: nobody listens.
};

/// One thread at a time.
class GroupMember {
 public:
  static arrow::Result<std::unique_ptr<GroupMember>> Make(const GroupMemberOptions& options);
  ~GroupMember();

  KafkaClient& client() { return *client_; }
  /// A connection of its own: on the consumer's the broker answers after the fetch that waits for
  /// records.
  KafkaClient& questions() { return *questions_; }

  /// Joins the group.
  arrow::Status Subscribe();
  /// The group gave these to us, read or not.
  const std::vector<KafkaPartition>& assigned() const { return assigned_; }
  /// The group decided at least once.
  bool has_joined() const { return has_joined_; }
  /// Assigned partitions changed since the last call.
  bool TakeChanged() { return std::exchange(is_changed_, false); }
  /// Partitions that are read and are to be given away: the group waits for Yield.
  const std::vector<KafkaPartition>& revoked() const { return revoked_; }
  arrow::Status Yield();
  /// The group waits for Yield: until then nothing else may be unassigned.
  bool must_yield() const { return must_yield_; }

  /// Begins to read at the offset. leader_epoch: of the record before it, or -1.
  arrow::Status Read(const KafkaPartition& partition, int64_t offset, int32_t leader_epoch);
  arrow::Status StopReading(const KafkaPartition& partition);
  /// Fetches up to messages->size() messages and errors, waiting up to timeout_ms for the first.
  /// They belong to the caller. \return how many
  arrow::Result<size_t> Fetch(std::vector<rd_kafka_message_t*>* messages, int64_t timeout_ms);

  /// First and behind-the-last offset.
  arrow::Result<std::pair<int64_t, int64_t>> Watermarks(const KafkaPartition& partition);
  /// Of the first record at or behind the time; the end if there is none.
  arrow::Result<int64_t> OffsetAt(const KafkaPartition& partition, int64_t time_ms);
  /// The broker's offset of the group; -1 if it has none.
  arrow::Result<int64_t> Committed(const KafkaPartition& partition);
  /// Tells the broker, without waiting for the answer.
  void Commit(const KafkaPartition& partition, int64_t offset);

  /// Leaves the group.
  void Close();

 private:
  GroupMember() = default;
  static void OnRebalance(rd_kafka_t* handle, rd_kafka_resp_err_t code,
                          rd_kafka_topic_partition_list_t* partitions, void* client);
  void Assign(const rd_kafka_topic_partition_list_t& partitions);
  void Revoke(const rd_kafka_topic_partition_list_t& partitions);

  std::vector<std::string> topics_;
  std::vector<KafkaPartition> assigned_;
  std::set<KafkaPartition> reading_;  // Those given to librdkafka.
  std::vector<KafkaPartition> revoked_;
  arrow::Status failure_;  // Of a callback.
  bool is_changed_ = false;
  bool has_joined_ = false;
  bool must_yield_ = false;
  bool is_closing_ = false;
  RdKafkaQueue queue_;
  std::unique_ptr<KafkaClient> client_;
  std::unique_ptr<KafkaClient> questions_;
};

}  // namespace catchwater
