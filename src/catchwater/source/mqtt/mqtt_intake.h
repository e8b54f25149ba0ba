/// \file
/// The thread that keeps an MQTT connection: receives into the spool, acknowledges after its fsync,
/// connects again. A thread of its own, although other rooms leave threads to `pipeline/`: pings
/// must be answered while the pipeline is blocked.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include <arrow/status.h>

#include "catchwater/base/clock.h"
#include "catchwater/base/random.h"
#include "catchwater/io/mqtt_connection.h"

namespace catchwater {

/// Where messages go. Called on the intake's thread.
class MqttInbox {
 public:
  virtual ~MqttInbox() = default;
  /// False: nothing more is read until there is room.
  virtual bool HasRoom() = 0;
  virtual arrow::Status Add(const MqttMessage& message) = 0;
  virtual arrow::Status MakeDurable() = 0;
};

struct MqttIntakeOptions {
  MqttOptions connection;
  std::vector<std::string> topics;
  int qos = 1;
};

/// Start and Stop: one thread. The others: any thread.
class MqttIntake final : private MqttReceiver {
 public:
  MqttIntake(MqttIntakeOptions options, MqttInbox& inbox, const Clock& clock, Random random)
      : options_(std::move(options)), inbox_(inbox), clock_(clock), random_(random) {}
  ~MqttIntake() override { Stop(); }

  void Start();
  void Stop();

  /// What ends the intake for good: the broker refuses this client.
  arrow::Status failure() const;
  /// Why there is no connection now; OK while there is one.
  arrow::Status trouble() const;
  /// Since the last message or the connection; 0 without a connection.
  int64_t quiet_us() const;

 private:
  void Run(std::stop_token stop);
  arrow::Status Serve(std::stop_token stop);
  void OnMessage(const MqttMessage& message) override;
  bool HasRoom() override;
  arrow::Status MakeDurable() override;
  void Note(arrow::Status trouble);

  const MqttIntakeOptions options_;
  MqttInbox& inbox_;
  const Clock& clock_;
  Random random_;
  std::jthread thread_;

  // The thread only.
  arrow::Status inbox_failure_;
  bool is_first_ = true;
  bool was_connected_ = false;

  mutable std::mutex mutex_;
  arrow::Status failure_;
  arrow::Status trouble_;
  int64_t active_us_ = -1;  // Monotonic; -1: not connected.
};

}  // namespace catchwater
