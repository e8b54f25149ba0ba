/// \file
/// Source `http_poll`: asks an HTTP API by a schedule. Each answer is durable before it is read.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "catchwater/component/registry.h"
#include "catchwater/component/source.h"
#include "catchwater/io/http_client.h"
#include "catchwater/io/http_retry.h"
#include "catchwater/source/http_poll/answer_store.h"
#include "catchwater/source/http_poll/poll_plan.h"

namespace catchwater {

struct HttpPollConfig {
  static constexpr std::string_view kShortFor = "url";

  std::string url;
  Duration every = Duration::Minutes(5);
  std::vector<std::pair<std::string, std::vector<std::string>>> for_each;
  std::vector<std::pair<std::string, std::string>> query;
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::pair<std::string, Secret>> secret_headers;
  PollPageConfig page;
  std::optional<PollCursorConfig> cursor;
  double requests_per_second = 10;
  Duration deadline = Duration::Seconds(30);
  Duration retry_for = Duration::Minutes(2);
  ByteSize answer_bytes_max = ByteSize::MiB(16);
  ByteSize spool_bytes_max = ByteSize::GiB(1);
  std::string ca_file;

  template <class Visitor>
  void Describe(Visitor& field) {
    field.Required("url", url,
                   "What is asked. `{cursor}` and the name of `for_each` in braces are replaced.",
                   Example{"https://api.example.org/v1/{station}/readings"});
    field.Optional("every", every, "Time between two rounds.",
                   Bounds{Duration::Millis(100), Duration::Days(30)});
    field.Optional("for_each", for_each,
                   "One name with a list of values: each is asked for in every round; a column has "
                   "it with `from: path.<name>`.",
                   Count{0, 1}, Example{"{ station: [oslo, bergen] }"});
    field.Optional("query", query,
                   "Query parameters, with the same replacements; an empty one is left out.",
                   Example{"{ since: \"{cursor}\" }"});
    field.Optional("headers", headers, "Request headers.");
    field.Optional("secret_headers", secret_headers, "Request headers that are never shown.",
                   Example{"{ Authorization: \"Bearer ${API_TOKEN}\" }"});
    field.Optional("page", page, "How an answer of several pages goes on.");
    field.Optional("cursor", cursor,
                   "Remembers the largest value of a field, for `{cursor}`: only new rows are "
                   "asked for.");
    field.Optional("requests_per_second", requests_per_second, "Not more than this.",
                   Bounds{0.001, 10'000});
    field.Optional("deadline", deadline, "Longest time of one request.",
                   Bounds{Duration::Millis(100), Duration::Minutes(30)});
    field.Optional("retry_for", retry_for,
                   "No answer, 408, 425, 429 and 5xx are asked for again for so long, with growing "
                   "delays, or when `Retry-After` says.",
                   Bounds{Duration::Millis(1), Duration::Hours(1)});
    field.Optional("answer_bytes_max", answer_bytes_max, "Longest answer, also decompressed.",
                   Bounds{ByteSize::KiB(1), ByteSize::MiB(128)});
    field.Optional("spool_bytes_max", spool_bytes_max,
                   "Disk for answers that are not committed; then nothing is asked for.",
                   Bounds{ByteSize::KiB(64), ByteSize::GiB(1024)});
    field.Optional("ca_file", ca_file, "Certificates (PEM) of the authorities that are believed.");
  }
  arrow::Status Check() const;
};

/// One partition; its positions are the answer store's. One thread at a time, with one of its own
/// that asks.
class HttpPollSource final : public Source {
 public:
  static arrow::Result<std::unique_ptr<HttpPollSource>> Make(const HttpPollConfig& config,
                                                             const SourceContext& context);
  ~HttpPollSource() override;

  arrow::Status Check() override;
  arrow::Result<std::vector<Offer>> Discover() override;
  arrow::Status Open(const Offer& offer, int64_t partition_id, const Position& resume_at) override;
  arrow::Result<NextResult> Next(std::stop_token stop) override;
  arrow::Status Acknowledge(int64_t partition_id, const Position& position) override;
  arrow::Status Close() override;
  int64_t discover_interval_ms() const override { return 0; }
  int64_t pending_count() const override;

 private:
  HttpPollSource(const HttpPollConfig& config, const SourceContext& context);
  std::string Folder() const;
  void Poll(const std::stop_token& stop);
  /// Asks for all pages of one item. \return false if there is no room for answers now
  arrow::Result<bool> PollItem(const std::pair<std::string, std::string>& item,
                               const std::stop_token& stop);
  /// One request and what it becomes. \return true if the round goes on
  arrow::Result<bool> PollPage(const std::pair<std::string, std::string>& item, PollState* state,
                               const std::stop_token& stop);
  arrow::Result<bool> Keep(const std::pair<std::string, std::string>& item, const std::string& url,
                           HttpResponse response, PollState* state);
  arrow::Result<Block> MakeBlock(const AnswerStore::Place& place);

  const HttpPollConfig config_;
  const SourceContext context_;
  const PollTemplate template_;
  std::vector<std::pair<std::string, std::string>> items_;  // Name and value; one of "" without.
  std::unique_ptr<HttpClient> client_;
  std::unique_ptr<Framer> framer_;
  std::unique_ptr<AnswerStore> store_;
  int64_t partition_id_ = 0;
  uint64_t next_ordinal_ = 0;
  int64_t request_next_us_ = 0;  // Of the asking thread: monotonic.
  mutable std::mutex mutex_;     // Guards what follows.
  arrow::Status failure_;
  int64_t rounds_pending_ = 0;  // Items that were not asked for since Open.
  std::jthread poller_;
};

arrow::Status RegisterHttpPollSource(Registry& registry);

}  // namespace catchwater
