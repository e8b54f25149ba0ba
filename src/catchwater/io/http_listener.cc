// The one source that includes Boost: Asio and Beast 1.81, with C++20 coroutines.
#include "catchwater/io/http_listener.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <deque>
#include <thread>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/as_tuple.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <nlohmann/json.hpp>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr int64_t kDrainStepMs = 5;
constexpr int64_t kLingerMs = 500;
constexpr size_t kLingerBytesMax = 1 << 20;
constexpr auto kAwait = asio::experimental::as_tuple(asio::use_awaitable);
using Parser = http::request_parser<http::string_body>;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;

std::string Text(beast::string_view text) { return {text.data(), text.size()}; }

HttpHead HeadOf(const Parser::value_type& request, const tcp::endpoint& remote) {
  HttpHead head;
  head.method = Text(request.method_string());
  const std::string target = Text(request.target());
  const size_t mark = std::min(target.find('?'), target.size());
  head.path = target.substr(0, mark);
  head.query = target.substr(std::min(mark + 1, target.size()));
  head.remote = remote.address().to_string();
  for (const auto& field : request) {
    head.headers.emplace_back(Text(field.name_string()), Text(field.value()));
  }
  return head;
}

std::optional<HttpAnswer> AnswerOfError(const error_code& error) {
  if (error == http::error::body_limit) {
    return HttpProblem(413, "Body is too large",
                       "The body is longer than the limit; send less at a time.");
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return HttpProblem(431, "Header is too large",
                       "The request's header is longer than the limit.");
  }
  if (error == beast::error::timeout) {
    return HttpProblem(408, "Request took too long", "The request was not complete in time.");
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message) {
    return std::nullopt;
  }
  if (error.category() == make_error_code(http::error::bad_method).category()) {
    return HttpProblem(400, "Request is malformed",
                       "The request is no HTTP/1.1: " + error.message());
  }
  return std::nullopt;  // The connection is gone.
}

class Listener final : public HttpListener {
 public:
  explicit Listener(HttpListenerOptions options)
      : options_(std::move(options)), acceptor_(context_) {}
  ~Listener() override { Stop(); }

  arrow::Status Open();
  void Start(HttpHandler& handler) override;
  void Stop() override;
  uint16_t port() const override { return port_; }

 private:
  /// A connection, for the end of all of them.
  struct Connection {
    beast::tcp_stream* stream = nullptr;
    bool is_idle = true;
  };
  /// Bytes of a body that are set aside, given back in any case.
  class Reservation {
   public:
    explicit Reservation(int64_t& total) : total_(total) {}
    ~Reservation() { total_ -= bytes_; }
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;
    bool Take(int64_t bytes, int64_t total_max) {
      if (total_ + bytes > total_max) return false;
      total_ += bytes;
      bytes_ += bytes;
      return true;
    }

   private:
    int64_t& total_;
    int64_t bytes_ = 0;
  };

  arrow::Status LoadTls();
  asio::awaitable<void> Accept();
  asio::awaitable<void> ServePlain(tcp::socket socket);
  asio::awaitable<void> ServeTls(tcp::socket socket);
  template <class Stream>
  asio::awaitable<void> Serve(Stream& stream, Connection& connection);
  template <class Stream>
  asio::awaitable<bool> Exchange(Stream& stream, beast::flat_buffer& buffer, Connection& connection,
                                 const tcp::endpoint& remote);
  template <class Stream>
  asio::awaitable<error_code> ReadBody(Stream& stream, beast::flat_buffer& buffer, Parser& parser,
                                       const HttpHead& head);
  template <class Stream>
  asio::awaitable<bool> Write(Stream& stream, HttpAnswer answer, bool keeps_alive);
  asio::awaitable<HttpAnswer> Settled(std::function<HttpAnswer()> finish);
  asio::awaitable<void> Linger(Connection& connection);
  void SettleAll();
  void BeginDrain();

  const HttpListenerOptions options_;
  // The listener's thread only. Before the context: exchanges that it ends at last refer to them.
  std::vector<Connection*> connections_;
  int64_t connection_count_ = 0;
  int64_t body_bytes_ = 0;
  std::vector<asio::steady_timer*> settling_;
  bool is_draining_ = false;

  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  std::optional<asio::ssl::context> tls_;
  uint16_t port_ = 0;
  HttpHandler* handler_ = nullptr;
  std::jthread thread_;
};

arrow::Status Listener::LoadTls() {
  if (options_.certificate_path.empty()) return arrow::Status::OK();
  tls_.emplace(asio::ssl::context::tls_server);
  error_code error;
  tls_->set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                        asio::ssl::context::no_tlsv1_1,
                    error);
  tls_->use_certificate_chain_file(options_.certificate_path, error);
  if (error) {
    return ConfigError("TLS certificate cannot be used, path and reason: ",
                       options_.certificate_path, ": ", error.message());
  }
  tls_->use_private_key_file(options_.key_path, asio::ssl::context::pem, error);
  if (error) {
    return ConfigError("TLS key cannot be used, path and reason: ", options_.key_path, ": ",
                       error.message());
  }
  return arrow::Status::OK();
}

arrow::Status Listener::Open() {
  ARROW_RETURN_NOT_OK(LoadTls());
  error_code error;
  const auto refuse = [&](std::string_view what) {
    return ConfigError("Address cannot be listened on (", what,
                       "), address and reason: ", options_.host, ":", options_.port, ": ",
                       error.message());
  };
  const asio::ip::address address = asio::ip::make_address(options_.host, error);
  if (error) return refuse("no IP address");
  const tcp::endpoint endpoint(address, options_.port);
  acceptor_.open(endpoint.protocol(), error);
  if (error) return refuse("open");
  acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  acceptor_.bind(endpoint, error);
  if (error == asio::error::address_in_use) {
    return ConfigError(
        "Address is in use by another program; end that one or choose another port, "
        "address: ",
        options_.host, ":", options_.port);
  }
  if (error) return refuse("bind");
  acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return refuse("listen");
  port_ = acceptor_.local_endpoint(error).port();
  return arrow::Status::OK();
}

void Listener::Start(HttpHandler& handler) {
  CATCHWATER_CHECK(handler_ == nullptr, "a listener is started once");
  handler_ = &handler;
  asio::co_spawn(context_, Accept(), asio::detached);
  thread_ = std::jthread([this] { context_.run(); });
}

void Listener::Stop() {
  if (thread_.joinable()) {
    asio::post(context_, [this] { BeginDrain(); });
    thread_.join();
  }
  error_code ignored;
  acceptor_.close(ignored);
}

void Listener::BeginDrain() {
  is_draining_ = true;
  error_code ignored;
  acceptor_.close(ignored);
  for (Connection* connection : connections_) {
    if (connection->is_idle) connection->stream->cancel();
  }
  auto deadline = std::make_shared<asio::steady_timer>(context_);
  auto watch = std::make_shared<std::function<void()>>();
  auto steps_left = std::make_shared<int64_t>(options_.drain_ms / kDrainStepMs);
  // The timer's handler keeps what it needs; stopping the context lets go of it.
  *watch = [this, deadline, steps_left, again = std::weak_ptr(watch)] {
    if (connection_count_ == 0 || --*steps_left < 0) return context_.stop();
    deadline->expires_after(std::chrono::milliseconds(kDrainStepMs));
    deadline->async_wait([next = again.lock()](const error_code&) { (*next)(); });
  };
  (*watch)();
}

asio::awaitable<void> Listener::Accept() {
  while (acceptor_.is_open()) {
    auto [error, socket] = co_await acceptor_.async_accept(kAwait);
    if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
    if (error) {  // Out of descriptors, for example: not a reason to spin.
      asio::steady_timer pause(context_, std::chrono::milliseconds(100));
      co_await pause.async_wait(kAwait);
      continue;
    }
    if (tls_) {
      asio::co_spawn(context_, ServeTls(std::move(socket)), asio::detached);
    } else {
      asio::co_spawn(context_, ServePlain(std::move(socket)), asio::detached);
    }
  }
}

asio::awaitable<void> Listener::ServePlain(tcp::socket socket) {
  beast::tcp_stream stream(std::move(socket));
  Connection connection{.stream = &stream};
  co_await Serve(stream, connection);
}

asio::awaitable<void> Listener::ServeTls(tcp::socket socket) {
  TlsStream stream(beast::tcp_stream(std::move(socket)), *tls_);
  Connection connection{.stream = &beast::get_lowest_layer(stream)};
  connection.stream->expires_after(std::chrono::milliseconds(options_.header_timeout_ms));
  auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, kAwait);
  if (!error) co_await Serve(stream, connection);
}

template <class Stream>
asio::awaitable<void> Listener::Serve(Stream& stream, Connection& connection) {
  error_code error;
  const tcp::endpoint remote = connection.stream->socket().remote_endpoint(error);
  if (error) co_return;
  connection.stream->socket().set_option(tcp::no_delay(true), error);
  connections_.push_back(&connection);
  ++connection_count_;
  beast::flat_buffer buffer;
  if (connection_count_ > options_.connection_count_max || is_draining_) {
    connection.stream->expires_after(std::chrono::milliseconds(options_.header_timeout_ms));
    HttpAnswer answer = HttpProblem(503, "Too many connections", "Try again later.");
    answer.headers.emplace_back("Retry-After", "1");
    co_await Write(stream, std::move(answer), /*keeps_alive=*/false);
  } else {
    while (co_await Exchange(stream, buffer, connection, remote)) {
    }
  }
  co_await Linger(connection);
  std::erase(connections_, &connection);
  --connection_count_;
}

// What the peer still sends is read away for a while: closing on it would make the answer vanish.
asio::awaitable<void> Listener::Linger(Connection& connection) {
  error_code ignored;
  connection.stream->socket().shutdown(tcp::socket::shutdown_send, ignored);
  connection.stream->expires_after(std::chrono::milliseconds(kLingerMs));
  std::array<char, 16 << 10> bytes;
  for (size_t total = 0; total < kLingerBytesMax;) {
    auto [error, got] = co_await connection.stream->async_read_some(asio::buffer(bytes), kAwait);
    if (error) co_return;
    total += got;
  }
}

// One request and its answer. \return false when the connection ends
template <class Stream>
asio::awaitable<bool> Listener::Exchange(Stream& stream, beast::flat_buffer& buffer,
                                         Connection& connection, const tcp::endpoint& remote) {
  Parser parser;
  parser.header_limit(static_cast<uint32_t>(options_.header_bytes_max));
  parser.body_limit(static_cast<uint64_t>(options_.body_bytes_max));
  connection.is_idle = true;
  if (is_draining_) co_return false;
  if (buffer.size() == 0) {  // The clock of the header runs from its first byte.
    connection.stream->expires_after(std::chrono::milliseconds(options_.idle_timeout_ms));
    auto [error, got] = co_await stream.async_read_some(buffer.prepare(4'096), kAwait);
    if (error) co_return false;
    buffer.commit(got);
  }
  connection.is_idle = false;
  connection.stream->expires_after(std::chrono::milliseconds(options_.header_timeout_ms));
  auto [head_error, head_bytes] = co_await http::async_read_header(stream, buffer, parser, kAwait);
  static_cast<void>(head_bytes);
  const auto refuse = [&](HttpAnswer answer) {
    connection.stream->expires_after(std::chrono::milliseconds(options_.header_timeout_ms));
    return Write(stream, std::move(answer), /*keeps_alive=*/false);
  };
  if (head_error) {
    if (auto answer = AnswerOfError(head_error)) co_await refuse(*std::move(answer));
    co_return false;
  }
  HttpHead head = HeadOf(parser.get(), remote);
  if (auto refusal = handler_->Admit(head)) {
    co_await refuse(*std::move(refusal));
    co_return false;  // Its body is not worth reading.
  }
  Reservation reservation(body_bytes_);
  const int64_t announced = static_cast<int64_t>(
      parser.content_length().value_or(static_cast<uint64_t>(options_.body_bytes_max)));
  if (!reservation.Take(announced, options_.all_bodies_bytes_max)) {
    HttpAnswer answer = HttpProblem(429, "Too much at once", "Too many bodies are being received.");
    answer.headers.emplace_back("Retry-After", "1");
    co_await refuse(std::move(answer));
    co_return false;
  }
  connection.stream->expires_after(std::chrono::milliseconds(options_.body_timeout_ms));
  if (const error_code error = co_await ReadBody(stream, buffer, parser, head)) {
    if (auto answer = AnswerOfError(error)) co_await refuse(*std::move(answer));
    co_return false;
  }
  const bool keeps_alive = parser.get().keep_alive() && !is_draining_;
  HttpAnswer answer =
      co_await Settled(handler_->Take(std::move(head), std::move(parser.get().body())));
  connection.stream->expires_after(std::chrono::milliseconds(options_.body_timeout_ms));
  co_return co_await Write(stream, std::move(answer), keeps_alive) && keeps_alive;
}

template <class Stream>
asio::awaitable<error_code> Listener::ReadBody(Stream& stream, beast::flat_buffer& buffer,
                                               Parser& parser, const HttpHead& head) {
  if (const std::string* expect = head.Find("Expect");
      expect != nullptr && beast::iequals(*expect, "100-continue")) {
    http::response<http::empty_body> go_on(http::status::continue_, 11);
    auto [error, sent] = co_await http::async_write(stream, go_on, kAwait);
    static_cast<void>(sent);
    if (error) co_return error;
  }
  auto [error, got] = co_await http::async_read(stream, buffer, parser, kAwait);
  static_cast<void>(got);
  co_return error;
}

template <class Stream>
asio::awaitable<bool> Listener::Write(Stream& stream, HttpAnswer answer, bool keeps_alive) {
  http::response<http::string_body> response(static_cast<http::status>(answer.status), 11);
  response.set(http::field::content_type, answer.content_type);
  response.set(http::field::cache_control, "no-store");
  for (const auto& [name, value] : answer.headers) response.set(name, value);
  response.keep_alive(keeps_alive);
  response.body() = std::move(answer.body);
  response.prepare_payload();
  auto [error, sent] = co_await http::async_write(stream, response, kAwait);
  static_cast<void>(sent);
  co_return !error;
}

// Waits in the group of requests that one Settle answers.
asio::awaitable<HttpAnswer> Listener::Settled(std::function<HttpAnswer()> finish) {
  asio::steady_timer timer(context_, asio::steady_timer::time_point::max());
  settling_.push_back(&timer);
  if (settling_.size() == 1) {
    // Behind all that is ready now, and once more behind what the poll in between finds.
    asio::post(context_, [this] { asio::post(context_, [this] { SettleAll(); }); });
  }
  co_await timer.async_wait(kAwait);
  co_return finish();
}

void Listener::SettleAll() {
  handler_->Settle();
  for (asio::steady_timer* timer : std::exchange(settling_, {})) timer->cancel();
}

}  // namespace

const std::string* HttpHead::Find(std::string_view name) const {
  for (const auto& [header, value] : headers) {
    if (beast::iequals(beast::string_view(header.data(), header.size()),
                       beast::string_view(name.data(), name.size()))) {
      return &value;
    }
  }
  return nullptr;
}

HttpAnswer HttpProblem(int status, std::string_view title, std::string_view detail) {
  const nlohmann::ordered_json body{
      {"type", "about:blank"}, {"title", title}, {"status", status}, {"detail", detail}};
  return {.status = status,
          .content_type = "application/problem+json",
          .body = body.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace)};
}

arrow::Result<std::unique_ptr<HttpListener>> HttpListener::Bind(HttpListenerOptions options) {
  auto listener = std::make_unique<Listener>(std::move(options));
  ARROW_RETURN_NOT_OK(listener->Open());
  return std::unique_ptr<HttpListener>(std::move(listener));
}

}  // namespace catchwater
