#include "catchwater/source/http_poll/http_poll_source.h"

#include <algorithm>

#include <arrow/buffer.h>
#include <xxhash.h>

#include "catchwater/base/error.h"
#include "catchwater/base/random.h"
#include "catchwater/io/read_buffer_pool.h"

namespace catchwater {
namespace {

constexpr int64_t kLingerUs = 1'000;
constexpr int64_t kWaitUs = 50'000;
constexpr int kRedirectsMax = 5;
constexpr int kAttemptsMax = 1'000;  // The time decides.

std::string HashOf(std::string_view bytes) {
  return std::to_string(XXH3_64bits(bytes.data(), bytes.size()));
}

/// Bytes that parsers may read a little behind.
std::shared_ptr<arrow::Buffer> Padded(std::string bytes) {
  const auto byte_count = static_cast<int64_t>(bytes.size());
  bytes.append(static_cast<size_t>(kReadPaddingBytes), '\0');
  return arrow::SliceBuffer(arrow::Buffer::FromString(std::move(bytes)), 0, byte_count);
}

}  // namespace

arrow::Status HttpPollConfig::Check() const {
  if (!url.starts_with("http://") && !url.starts_with("https://")) {
    return ConfigError("`url` must begin with http:// or https://: ", ShownUrl(url));
  }
  std::vector<std::string> texts{url};
  for (const auto& [name, value] : query) texts.push_back(value);
  for (const std::string& text : texts) {
    ARROW_ASSIGN_OR_RAISE(const auto names, TemplateNames(text));
    for (const std::string& name : names) {
      const bool is_item = !for_each.empty() && for_each.front().first == name;
      if (!is_item && !(name == "cursor" && cursor)) {
        return ConfigError("`{", name,
                           "}` is neither the name of `for_each` nor, with `cursor`, "
                           "`cursor`; write `$${` only for the environment");
      }
    }
  }
  if (!for_each.empty() && for_each.front().second.empty()) {
    return ConfigError("`for_each` has no values: ", for_each.front().first);
  }
  return arrow::Status::OK();
}

arrow::Result<std::unique_ptr<HttpPollSource>> HttpPollSource::Make(const HttpPollConfig& config,
                                                                    const SourceContext& context) {
  ARROW_RETURN_NOT_OK(config.Check());
  return std::unique_ptr<HttpPollSource>(new HttpPollSource(config, context));
}

HttpPollSource::HttpPollSource(const HttpPollConfig& config, const SourceContext& context)
    : config_(config),
      context_(context),
      template_{config.url, config.query, config.page, config.cursor},
      client_(MakeHttpClient({.tls = {.ca_file = config.ca_file}})) {
  if (config_.for_each.empty()) items_.emplace_back();
  for (const auto& [name, values] : config_.for_each) {
    for (const std::string& value : values) items_.emplace_back(name, value);
  }
}

HttpPollSource::~HttpPollSource() { static_cast<void>(Close()); }

std::string HttpPollSource::Folder() const {
  return context_.data_folder + "/spool/" + context_.pipeline + "/http_poll";
}

arrow::Status HttpPollSource::Check() {
  if (!context_.data_folder.empty()) return arrow::Status::OK();
  return ConfigError(
      "Source `http_poll` keeps answers in the data folder until they are in a table; the pipeline "
      "needs `lake:`");
}

arrow::Result<std::vector<Offer>> HttpPollSource::Discover() {
  ARROW_ASSIGN_OR_RAISE(std::string identity, AnswerStore::Identity(context_.files, Folder(),
                                                                    Random::FromSystem().Uuid()));
  return std::vector<Offer>{{.name = "answers",
                             .incarnation = std::move(identity),
                             .attributes = std::make_shared<const Attributes>(),
                             .file = std::nullopt,
                             .is_bounded = false}};
}

arrow::Status HttpPollSource::Open(const Offer&, int64_t partition_id, const Position& resume_at) {
  if (!context_.make_framer) return ConfigError("Source `http_poll` needs a codec");
  ARROW_ASSIGN_OR_RAISE(framer_, context_.make_framer());
  ARROW_ASSIGN_OR_RAISE(store_, AnswerStore::Open(context_.files, Folder()));
  ARROW_RETURN_NOT_OK(store_->Trim(resume_at.ordinal));
  partition_id_ = partition_id;
  next_ordinal_ = resume_at.ordinal;
  rounds_pending_ = static_cast<int64_t>(items_.size());
  poller_ = std::jthread([this](const std::stop_token& stop) { Poll(stop); });
  return arrow::Status::OK();
}

int64_t HttpPollSource::pending_count() const {
  const std::lock_guard lock(mutex_);
  const bool has_answers = store_ != nullptr && store_->Locate(next_ordinal_).has_value();
  return rounds_pending_ + (has_answers ? 1 : 0);
}

void HttpPollSource::Poll(const std::stop_token& stop) {
  std::vector<int64_t> due_us(items_.size(), 0);  // Monotonic.
  std::vector<bool> was_asked(items_.size(), false);
  while (!stop.stop_requested()) {
    const auto next = std::ranges::min_element(due_us);
    const auto index = static_cast<size_t>(next - due_us.begin());
    const int64_t wait_us = *next - context_.clock.MonotonicMicros();
    if (wait_us > 0) {
      context_.clock.SleepMicros(std::min(wait_us, kWaitUs), stop);
      continue;
    }
    const auto done = PollItem(items_[index], stop);
    if (stop.stop_requested()) return;
    if (!done.ok()) {
      const std::lock_guard lock(mutex_);
      failure_ = done.status();
      return;
    }
    if (!*done) {  // The disk that answers may take is full: rows must be committed first.
      context_.clock.SleepMicros(kWaitUs, stop);
      continue;
    }
    due_us[index] = context_.clock.MonotonicMicros() + config_.every.us();
    if (was_asked[index]) continue;
    was_asked[index] = true;
    const std::lock_guard lock(mutex_);
    --rounds_pending_;
  }
}

arrow::Result<bool> HttpPollSource::PollItem(const std::pair<std::string, std::string>& item,
                                             const std::stop_token& stop) {
  PollState state = store_->StateOf(item.second);
  bool goes_on = true;
  while (goes_on && !stop.stop_requested()) {
    if (store_->byte_count() >= config_.spool_bytes_max.bytes) return false;
    ARROW_ASSIGN_OR_RAISE(goes_on, PollPage(item, &state, stop));
  }
  return true;
}

arrow::Result<bool> HttpPollSource::PollPage(const std::pair<std::string, std::string>& item,
                                             PollState* state, const std::stop_token& stop) {
  const int64_t wait_us = request_next_us_ - context_.clock.MonotonicMicros();
  if (wait_us > 0 && !context_.clock.SleepMicros(wait_us, stop)) return false;
  request_next_us_ =
      context_.clock.MonotonicMicros() + static_cast<int64_t>(1e6 / config_.requests_per_second);

  HttpRequest request{.url = NextUrl(template_, item, *state)};
  for (const auto& [name, value] : config_.headers) request.headers.push_back({name, value});
  for (const auto& [name, value] : config_.secret_headers) {
    request.secret_headers.push_back({name, value});
  }
  // Of several pages the first says nothing about the others.
  const bool is_whole = config_.page.by == PageKind::kNone;
  if (is_whole && !state->etag.empty()) {
    request.headers.push_back({"If-None-Match", state->etag});
  } else if (is_whole && !state->last_modified.empty()) {
    request.headers.push_back({"If-Modified-Since", state->last_modified});
  }
  request.deadline_ms = config_.deadline.ms;
  request.body_bytes_max = config_.answer_bytes_max.bytes;
  request.redirects_max = kRedirectsMax;
  request.may_compress = true;
  const RetryPolicy policy{.attempts_max = kAttemptsMax, .budget_ms = config_.retry_for.ms};
  ARROW_ASSIGN_OR_RAISE(HttpResponse response,
                        SendWithRetries(*client_, request, policy, context_.clock, stop));
  return Keep(item, request.url, std::move(response), state);
}

arrow::Result<bool> HttpPollSource::Keep(const std::pair<std::string, std::string>& item,
                                         const std::string& url, HttpResponse response,
                                         PollState* state) {
  const int status = response.status;
  if (status == 304) return false;
  if (status == 401 || status == 403 || status == 407) {
    return ConfigError("Server refuses the credentials; check `secret_headers`, status and URL: ",
                       status, " ", ShownUrl(url));
  }
  if (IsWorthRetrying(status)) {
    return Unavailable("Server does not answer well for as long as `retry_for`, status and URL: ",
                       status, " ", ShownUrl(url));
  }
  PollAnswer answer{.item = item.second,
                    .refusal = "",
                    .receive_us = context_.clock.NowMicros(),
                    .body = std::move(response.body)};
  PollState next = *state;
  next.polled_us = answer.receive_us;
  const bool is_whole = config_.page.by == PageKind::kNone;
  if (!response.is_success()) {
    answer.refusal =
        "Server answered with status " + std::to_string(status) + ", URL: " + ShownUrl(url);
    next.page.clear();
    next.page_count = 0;
  } else {
    response.body = answer.body;
    const arrow::Status moved = MovePast(template_, response, url, &next);
    if (!moved.ok()) {
      answer.refusal = moved.message();
      next = *state;
      next.page.clear();
      next.page_count = 0;
    }
  }
  const std::string hash = HashOf(answer.refusal + answer.body);
  next.body_hash = hash;
  // The same answer as in the last round has no new rows: nothing is kept, and nothing is lost.
  const bool is_same = is_whole && hash == state->body_hash;
  if (!answer.body.empty() || !answer.refusal.empty()) {
    if (!is_same) ARROW_RETURN_NOT_OK(store_->Append(answer, next));
  }
  *state = std::move(next);
  return answer.refusal.empty() && !state->page.empty();
}

arrow::Result<Block> HttpPollSource::MakeBlock(const AnswerStore::Place& place) {
  ARROW_ASSIGN_OR_RAISE(PollAnswer answer, store_->Read(place));
  Block block;
  block.origin = {.range = {.partition_id = partition_id_,
                            .from = {.ordinal = place.begin_ordinal, .token = ""},
                            .to = {.ordinal = place.end_ordinal, .token = ""}},
                  .receive_us = answer.receive_us};
  auto attributes = std::make_shared<Attributes>();
  if (!config_.for_each.empty()) {
    attributes->emplace_back("path." + config_.for_each.front().first, answer.item);
  }
  block.attributes = std::move(attributes);
  std::string reason = answer.refusal;
  int64_t head_bytes = 0;
  if (reason.empty()) {
    const auto head = framer_->ReadHead(answer.body, /*is_end=*/true);
    if (head.ok()) {
      block.preamble = head->preamble;
      head_bytes = head->byte_count;
      block.line_first = framer_->is_line_based() ? 1 + head->line_count : 0;
    } else {
      reason = head.status().message();
    }
  }
  if (!reason.empty()) {
    block.reject_reason = std::move(reason);
    block.reject_bytes = static_cast<int64_t>(answer.body.size());
    answer.body.resize(std::min<size_t>(answer.body.size(), kDeadLetterRawBytesMax));
  }
  block.bytes = Padded(answer.body.substr(static_cast<size_t>(head_bytes)));
  return block;
}

arrow::Result<NextResult> HttpPollSource::Next(std::stop_token stop) {
  if (stop.stop_requested()) return NotYet{};
  if (store_ == nullptr) return SourceEnd{};
  if (const auto place = store_->Locate(next_ordinal_)) {
    ARROW_ASSIGN_OR_RAISE(Block block, MakeBlock(*place));
    next_ordinal_ = place->end_ordinal;
    return block;
  }
  {
    const std::lock_guard lock(mutex_);
    if (!failure_.ok()) return failure_;
  }
  context_.clock.SleepMicros(kLingerUs, stop);
  return NotYet{};
}

arrow::Status HttpPollSource::Acknowledge(int64_t, const Position& position) {
  return store_ == nullptr ? arrow::Status::OK() : store_->Trim(position.ordinal);
}

arrow::Status HttpPollSource::Close() {
  if (poller_.joinable()) {
    poller_.request_stop();
    poller_.join();
  }
  store_.reset();
  return arrow::Status::OK();
}

arrow::Status RegisterHttpPollSource(Registry& registry) {
  return registry.AddSource<HttpPollConfig>(
      {.name = "http_poll",
       .summary = "Asks an HTTP API by a schedule, page by page, and takes what is new.",
       .details =
           "Exactly once per answer: an answer and the state of the polling after it (cursor, next "
           "page, ETag) are on disk, synced, before its rows are read, and are removed when they "
           "are committed. A 304 or the same answer again brings no rows; rows that come again in "
           "other answers are removed by `cursor` or the step `deduplicate`. An answer with "
           "another status, or one that cannot be read, is a dead letter; 401, 403 and 407 stop "
           "the pipeline. Secrets are sent to the URL's own server only.",
       .is_live = true},
      [](const HttpPollConfig& config,
         const SourceContext& context) -> arrow::Result<std::unique_ptr<Source>> {
        return HttpPollSource::Make(config, context);
      });
}

}  // namespace catchwater
