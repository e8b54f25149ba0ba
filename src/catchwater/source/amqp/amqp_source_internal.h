/// \file
/// The source behind amqp_source.h. A partition is a queue.
///
/// Of a stream a position is the next offset; its token holds a mark of the message before it, so
/// that a stream that was made anew is noticed. Other queues have no positions of their own: one
/// counts what was ever read. What is committed is acknowledged; when the connection is lost,
/// what was read and not committed is abandoned, since the broker delivers it again.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catchwater/component/source.h"
#include "catchwater/source/amqp/amqp_intake.h"
#include "catchwater/source/amqp/amqp_source.h"

namespace catchwater {

/// One thread at a time.
class AmqpSource final : public Source {
 public:
  static arrow::Result<std::unique_ptr<AmqpSource>> Make(const AmqpSourceConfig& config,
                                                         const SourceContext& context);

  arrow::Status Check() override;
  arrow::Result<std::vector<Offer>> Discover() override;
  arrow::Status Open(const Offer& offer, int64_t partition_id, const Position& resume_at) override;
  arrow::Result<NextResult> Next(std::stop_token stop) override;
  arrow::Status Acknowledge(int64_t partition_id, const Position& position) override;
  arrow::Status Close() override;
  int64_t discover_interval_ms() const override { return 0; }
  int64_t pending_count() const override;
  void SetFrameColumns(std::vector<std::string> names) override { fields_ = std::move(names); }

 private:
  /// Delivered and not committed.
  struct Delivered {
    uint64_t behind = 0;  // Ordinal.
    uint64_t tag = 0;
    int64_t message_count = 0;
    bool is_rejected = false;
  };
  struct Reader {
    int64_t id = 0;
    uint64_t next_ordinal = 0;
    bool is_new = false;  // A stream that was never read.
    std::deque<Delivered> delivered{};
    int64_t delivered_count = 0;  // Messages in it.
  };

  AmqpSource(const AmqpSourceConfig& config, const SourceContext& context, AmqpOptions connection);
  bool is_acknowledged() const {
    return !config_.is_stream() && config_.delivery == AmqpDelivery::kGuaranteed;
  }
  arrow::Status MakeMissing();
  AmqpConsumeOptions StartOptions() const;
  void StartIntake();
  arrow::Status NoteSession(int64_t session);
  bool IsCommitDue() const;
  arrow::Status Deliver(AmqpBatch batch);
  arrow::Status SkipTo(Reader& reader, const std::string& queue, uint64_t offset);

  const AmqpSourceConfig config_;
  const SourceContext context_;
  const AmqpOptions connection_;
  std::vector<std::string> missing_;  // Queues to make.
  std::vector<std::string> fields_;
  std::vector<AmqpReading> readings_;
  std::vector<Reader> readers_;  // As readings_.
  std::map<int64_t, size_t> by_id_;
  std::unique_ptr<AmqpIntake> intake_;
  int64_t session_ = 0;
  std::deque<NextResult> ready_;
};

}  // namespace catchwater
