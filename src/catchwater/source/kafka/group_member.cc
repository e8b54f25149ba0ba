#include "catchwater/source/kafka/group_member.h"

#include <algorithm>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int kAnswerMs = 10'000;

RdKafkaPartitions ListOf(const std::vector<KafkaPartition>& partitions) {
  RdKafkaPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const auto& [topic, number] : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), number);
  }
  return list;
}

std::vector<KafkaPartition> PartitionsOf(const rd_kafka_topic_partition_list_t& list) {
  std::vector<KafkaPartition> partitions;
  for (int i = 0; i < list.cnt; ++i) {
    partitions.emplace_back(list.elems[i].topic, list.elems[i].partition);
  }
  return partitions;
}

arrow::Status StatusOf(const KafkaClient& client, rd_kafka_error_t* raw) {
  if (raw == nullptr) return arrow::Status::OK();
  const RdKafkaError error(raw);
  return client.ErrorOf(rd_kafka_error_code(error.get()), rd_kafka_error_string(error.get()));
}

/// Small queues: librdkafka's own defaults hold 64 MiB and more.
std::vector<std::pair<std::string, std::string>> UsualProperties() {
  return {{"queued.max.messages.kbytes", "16384"}, {"queued.min.messages", "100000"},
          {"fetch.queue.backoff.ms", "2"},         {"fetch.max.bytes", "8388608"},
          {"fetch.message.max.bytes", "2097152"},  {"fetch.wait.max.ms", "100"},
          {"fetch.error.backoff.ms", "100"},       {"reconnect.backoff.max.ms", "1000"},
          {"session.timeout.ms", "10000"},         {"topic.metadata.refresh.interval.ms", "30000"}};
}

}  // namespace

arrow::Result<std::unique_ptr<GroupMember>> GroupMember::Make(const GroupMemberOptions& options) {
  std::unique_ptr<GroupMember> member(new GroupMember());
  member->topics_ = options.topics;
  KafkaClient::Options client{.kind = KafkaClient::Kind::kConsumer,
                              .properties = UsualProperties(),
                              .fixed = {{"group.id", options.group},
                                        {"enable.auto.commit", "false"},
                                        {"enable.auto.offset.store", "false"},
                                        {"auto.offset.reset", "error"},
                                        {"isolation.level", "read_committed"},
                                        {"enable.partition.eof", "true"},
                                        {"partition.assignment.strategy", "cooperative-sticky"}},
                              .prepare =
                                  [](rd_kafka_conf_t* conf) {
                                    rd_kafka_conf_set_rebalance_cb(conf, &GroupMember::OnRebalance);
                                  },
                              .opaque = member.get()};
  if (!options.instance_id.empty()) {
    client.properties.emplace_back("group.instance.id", options.instance_id);
  }
  ARROW_ASSIGN_OR_RAISE(member->client_, KafkaClient::Make(options.connection, client));
  member->queue_.reset(rd_kafka_queue_get_consumer(member->client_->get()));
  if (options.bell != nullptr) {
    rd_kafka_queue_cb_event_enable(
        member->queue_.get(), [](rd_kafka_t*, void* bell) { static_cast<Bell*>(bell)->Ring(); },
        options.bell);
  }
  ARROW_ASSIGN_OR_RAISE(member->questions_, KafkaClient::Make(options.connection, {}));
  return member;
}

GroupMember::~GroupMember() {
  if (queue_ != nullptr) rd_kafka_queue_cb_event_enable(queue_.get(), nullptr, nullptr);
  Close();
  queue_.reset();  // Before the handle that it belongs to.
}

arrow::Status GroupMember::Subscribe() {
  RdKafkaPartitions list(rd_kafka_topic_partition_list_new(static_cast<int>(topics_.size())));
  for (const std::string& topic : topics_) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), RD_KAFKA_PARTITION_UA);
  }
  const auto code = rd_kafka_subscribe(client_->get(), list.get());
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return arrow::Status::OK();
  return client_->ErrorOf(code, rd_kafka_err2str(code));
}

void GroupMember::OnRebalance(rd_kafka_t*, rd_kafka_resp_err_t code,
                              rd_kafka_topic_partition_list_t* partitions, void* client) {
  auto* member = static_cast<GroupMember*>(static_cast<KafkaClient*>(client)->opaque());
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    member->Assign(*partitions);
  } else {
    member->Revoke(*partitions);
  }
}

void GroupMember::Assign(const rd_kafka_topic_partition_list_t& partitions) {
  for (KafkaPartition& partition : PartitionsOf(partitions)) {
    assigned_.push_back(std::move(partition));
  }
  is_changed_ = true;
  has_joined_ = true;
  // Nothing is read yet: where from is not known before the partition's lease is ours.
  const arrow::Status status =
      StatusOf(*client_, rd_kafka_incremental_assign(client_->get(), ListOf({}).get()));
  if (failure_.ok()) failure_ = status;
}

void GroupMember::Revoke(const rd_kafka_topic_partition_list_t& partitions) {
  for (const KafkaPartition& partition : PartitionsOf(partitions)) {
    std::erase(assigned_, partition);
    if (reading_.contains(partition)) revoked_.push_back(partition);
  }
  is_changed_ = true;
  must_yield_ = true;
  if (!revoked_.empty() && !is_closing_) return;  // Until what was read of them is committed.
  const arrow::Status status = Yield();
  if (failure_.ok()) failure_ = status;
}

arrow::Status GroupMember::Yield() {
  if (!must_yield_) return arrow::Status::OK();
  must_yield_ = false;
  const std::vector<KafkaPartition> given = std::exchange(revoked_, {});
  for (const KafkaPartition& partition : given) reading_.erase(partition);
  return StatusOf(*client_, rd_kafka_incremental_unassign(client_->get(), ListOf(given).get()));
}

arrow::Status GroupMember::Read(const KafkaPartition& partition, int64_t offset,
                                int32_t leader_epoch) {
  const RdKafkaPartitions list = ListOf({partition});
  list->elems[0].offset = offset;
  if (leader_epoch >= 0) {
    rd_kafka_topic_partition_set_leader_epoch(&list->elems[0], leader_epoch);
  }
  ARROW_RETURN_NOT_OK(StatusOf(*client_, rd_kafka_incremental_assign(client_->get(), list.get())));
  reading_.insert(partition);
  return arrow::Status::OK();
}

arrow::Status GroupMember::StopReading(const KafkaPartition& partition) {
  if (reading_.erase(partition) == 0) return arrow::Status::OK();
  return StatusOf(*client_,
                  rd_kafka_incremental_unassign(client_->get(), ListOf({partition}).get()));
}

arrow::Result<size_t> GroupMember::Fetch(std::vector<rd_kafka_message_t*>* messages,
                                         int64_t timeout_ms) {
  rd_kafka_poll(client_->get(), 0);  // Complaints.
  const ssize_t count = rd_kafka_consume_batch_queue(queue_.get(), static_cast<int>(timeout_ms),
                                                     messages->data(), messages->size());
  ARROW_RETURN_NOT_OK(std::exchange(failure_, arrow::Status::OK()));
  return count < 0 ? 0 : static_cast<size_t>(count);
}

arrow::Result<std::pair<int64_t, int64_t>> GroupMember::Watermarks(
    const KafkaPartition& partition) {
  int64_t low = 0;
  int64_t high = 0;
  const auto code = rd_kafka_query_watermark_offsets(client_->get(), partition.first.c_str(),
                                                     partition.second, &low, &high, kAnswerMs);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return std::pair{low, high};
  return client_->ErrorOf(code, "asking for offsets of " + partition.first);
}

arrow::Result<int64_t> GroupMember::OffsetAt(const KafkaPartition& partition, int64_t time_ms) {
  const RdKafkaPartitions list = ListOf({partition});
  list->elems[0].offset = time_ms;
  const auto code = rd_kafka_offsets_for_times(client_->get(), list.get(), kAnswerMs);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return client_->ErrorOf(code, "asking for offsets by time of " + partition.first);
  }
  if (list->elems[0].offset >= 0) return list->elems[0].offset;
  ARROW_ASSIGN_OR_RAISE(const auto watermarks, Watermarks(partition));
  return watermarks.second;
}

arrow::Result<int64_t> GroupMember::Committed(const KafkaPartition& partition) {
  const RdKafkaPartitions list = ListOf({partition});
  const auto code = rd_kafka_committed(client_->get(), list.get(), kAnswerMs);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return client_->ErrorOf(code, "asking for the group's offset of " + partition.first);
  }
  return std::max<int64_t>(list->elems[0].offset, -1);
}

void GroupMember::Commit(const KafkaPartition& partition, int64_t offset) {
  const RdKafkaPartitions list = ListOf({partition});
  list->elems[0].offset = offset;
  // For people and tools that watch the group's lag; nothing here is read back.
  static_cast<void>(rd_kafka_commit(client_->get(), list.get(), /*async=*/1));
}

void GroupMember::Close() {
  if (client_ == nullptr || is_closing_) return;
  is_closing_ = true;
  if (has_joined_ || must_yield_) static_cast<void>(Yield());
  static_cast<void>(rd_kafka_consumer_close(client_->get()));
}

}  // namespace catchwater
