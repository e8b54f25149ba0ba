/// \file
/// A connection to a cluster: a consumer, a producer or neither (for questions about topics), what
/// it last complained of, and errors in words that name the setting to change.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <arrow/result.h>

#include "catchwater/kafka/connection_config.h"
#include "catchwater/kafka/handles.h"

namespace catchwater {

/// A topic as the cluster tells it.
struct KafkaTopic {
  std::string name;
  /// Of this very topic: one that is deleted and made anew has another. Empty: the broker is older
  /// than 2.8 and has none.
  std::string id;
  int32_t partition_count = 0;
  bool exists = false;
};

/// Any thread.
class KafkaClient {
 public:
  enum class Kind { kConsumer, kProducer };
  struct Options {
    Kind kind = Kind::kProducer;
    /// Set before the user's own, which win.
    std::vector<std::pair<std::string, std::string>> properties{};
    /// Set last.
    std::vector<std::pair<std::string, std::string>> fixed{};
    /// Registers callbacks; they find `opaque` in every call.
    std::function<void(rd_kafka_conf_t*)> prepare{};
    void* opaque = nullptr;
  };

  /// Does not connect yet. \retval kConfig for a property that librdkafka refuses
  static arrow::Result<std::unique_ptr<KafkaClient>> Make(const KafkaConnection& connection,
                                                          const Options& options);

  rd_kafka_t* get() const { return handle_.get(); }
  void* opaque() const { return opaque_; }

  /// Asks the cluster for the topics, waiting up to timeout_ms.
  /// \retval kUnavailable if no broker answers; kDenied if it does not let us in
  arrow::Result<std::vector<KafkaTopic>> Topics(const std::vector<std::string>& names,
                                                int64_t timeout_ms) const;
  /// Makes a topic. One that is there already is no error.
  arrow::Status CreateTopic(const std::string& name, int32_t partition_count,
                            int16_t replication_factor, int64_t timeout_ms) const;

  /// An error of librdkafka in our words; a last complaint about the connection says more than
  /// "timed out".
  arrow::Status ErrorOf(rd_kafka_resp_err_t code, const std::string& reason) const;
  /// The last complaint that starting again cannot heal (a wrong password, no TLS), else OK.
  arrow::Status FatalComplaint() const;

 private:
  KafkaClient(KafkaConnection connection, void* opaque)
      : connection_(std::move(connection)), opaque_(opaque) {}

  static void OnError(rd_kafka_t* handle, int code, const char* reason, void* self);
  static void OnLog(const rd_kafka_t* handle, int level, const char* facility, const char* text);
  arrow::Status ExplainComplaint() const;
  arrow::Status Explain(rd_kafka_resp_err_t code, const std::string& reason) const;
  arrow::Result<RdKafkaEvent> WaitFor(rd_kafka_queue_t* queue, int64_t timeout_ms,
                                      const std::string& what) const;

  const KafkaConnection connection_;
  void* const opaque_;
  mutable std::mutex mutex_;
  mutable bool has_answered_ = false;  // Then complaints are of restarts, not of settings.
  mutable std::pair<rd_kafka_resp_err_t, std::string> complaint_{RD_KAFKA_RESP_ERR_NO_ERROR, ""};
  RdKafkaHandle handle_;  // Last: its threads use all of the above.
};

}  // namespace catchwater
