#include "catchwater/sink/mongo/mongo_sink.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <mongoc/mongoc.h>

#include "catchwater/base/error.h"
#include "catchwater/base/fail_point.h"
#include "catchwater/component/pick_columns.h"
#include "catchwater/sink/mongo/bson_writer.h"

namespace catchwater {
namespace {

constexpr size_t kBulkRows = 5'000;
constexpr int64_t kBulkBytes = 8 << 20;
constexpr int kPauseMax = 1'024;
constexpr uint32_t kDuplicateKey = 11'000;
constexpr int64_t kTimeoutMs = 30'000;
constexpr char kMarkCollection[] = "catchwater_delivery";

template <auto kDestroy>
struct Destroy {
  template <class T>
  void operator()(T* object) const {
    kDestroy(object);
  }
};
using UriPointer = std::unique_ptr<mongoc_uri_t, Destroy<mongoc_uri_destroy>>;
using ClientPointer = std::unique_ptr<mongoc_client_t, Destroy<mongoc_client_destroy>>;
using CollectionPointer = std::unique_ptr<mongoc_collection_t, Destroy<mongoc_collection_destroy>>;
using BulkPointer =
    std::unique_ptr<mongoc_bulk_operation_t, Destroy<mongoc_bulk_operation_destroy>>;
using WriteConcernPointer =
    std::unique_ptr<mongoc_write_concern_t, Destroy<mongoc_write_concern_destroy>>;
using CursorPointer = std::unique_ptr<mongoc_cursor_t, Destroy<mongoc_cursor_destroy>>;

/// What a person can do, by the driver's codes.
arrow::Status Failure(const bson_error_t& error) {
  const std::string said = MaskSecrets(error.message);
  constexpr uint32_t kUnauthorized = 13, kAuthenticationFailed = 18;
  if (error.domain == MONGOC_ERROR_SERVER_SELECTION || error.domain == MONGOC_ERROR_STREAM) {
    if (said.find("Authentication failed") != said.npos) {
      return Denied("MongoDB refuses user or password; look at both in `url`: ", said);
    }
    if (said.find("TLS") != said.npos) {
      return ConfigError("TLS to MongoDB fails; look at `tls` and its files in `url`: ", said);
    }
    return Unavailable("MongoDB does not answer; look whether it runs and at the host in `url`: ",
                       said);
  }
  if (error.code == kAuthenticationFailed || error.domain == MONGOC_ERROR_CLIENT) {
    return Denied("MongoDB refuses user or password; look at both in `url`: ", said);
  }
  if (error.code == kUnauthorized) {
    return Denied("MongoDB does not allow it; give the user the role readWrite: ", said);
  }
  if (error.code == kDuplicateKey) {
    return AlreadyExists("MongoDB has a unique index that a row breaks: ", said);
  }
  if (error.domain == MONGOC_ERROR_WRITE_CONCERN) {
    return Unavailable("MongoDB did not confirm by a majority in time: ", said);
  }
  if (error.domain == MONGOC_ERROR_COMMAND) return BadData("MongoDB refused rows: ", said);
  return Unavailable("MongoDB failed: ", said);
}

/// A row as a document, and the document with nothing but its `_id`.
struct Entry {
  BsonPointer id, document;
};

std::string BytesOf(const bson_t& document) {
  const uint8_t* bytes = bson_get_data(&document);
  return {bytes, bytes + document.len};
}

/// What the driver says of a bulk.
struct Reply {
  Reply() { bson_init(&bson); }
  ~Reply() { bson_destroy(&bson); }
  Reply(const Reply&) = delete;
  Reply& operator=(const Reply&) = delete;
  bson_t bson;
};

/// Places of the rows in a bulk whose `_id`, or another unique value, is there.
/// \retval kBadData if a row was refused for another reason
/// \retval kUnavailable if the bulk was not done to its end
arrow::Result<std::vector<size_t>> DuplicatesOf(const bson_t& reply, size_t row_count) {
  std::vector<size_t> duplicates;
  bson_iter_t field;
  int64_t inserted_count = 0;
  if (bson_iter_init_find(&field, &reply, "nInserted")) inserted_count = bson_iter_as_int64(&field);
  bson_iter_t list;
  const bool has_list =
      bson_iter_init_find(&field, &reply, "writeErrors") && bson_iter_recurse(&field, &list);
  while (has_list && bson_iter_next(&list)) {
    bson_iter_t part;
    int64_t place = -1;
    int64_t code = 0;
    std::string said;
    if (bson_iter_recurse(&list, &part)) {
      while (bson_iter_next(&part)) {
        const std::string_view name = bson_iter_key(&part);
        if (name == "index") place = bson_iter_as_int64(&part);
        if (name == "code") code = bson_iter_as_int64(&part);
        if (name == "errmsg" && BSON_ITER_HOLDS_UTF8(&part)) said = bson_iter_utf8(&part, nullptr);
      }
    }
    if (code != kDuplicateKey || place < 0 || place >= static_cast<int64_t>(row_count)) {
      return BadData("MongoDB refused rows: ", MaskSecrets(said));
    }
    duplicates.push_back(static_cast<size_t>(place));
  }
  if (inserted_count + static_cast<int64_t>(duplicates.size()) < static_cast<int64_t>(row_count)) {
    return Unavailable("MongoDB did not do a bulk to its end, rows: ", row_count);
  }
  return duplicates;
}

/// Documents are visible as they are written: MongoDB has no transaction over so many of them. What
/// comes again after a crash replaces them by the same ones, and the mark comes last.
///
/// A bulk has one document a key, so its order does not matter. It is inserted, which MongoDB does
/// many at a time; those that are there are then replaced, one by one. Many of them end inserting
/// for some bulks.
class MongoSink final : public Sink {
 public:
  MongoSink(MongoSinkConfig config, PickColumns pick, BsonWriter writer, const SinkContext& context)
      : config_(std::move(config)),
        pick_(std::move(pick)),
        writer_(std::move(writer)),
        mark_id_(context.sink + " " + context.table_key + " " + config_.collection) {}

  arrow::Status Check() override {
    ARROW_RETURN_NOT_OK(Connect());
    const BsonPointer ping(BCON_NEW("ping", BCON_INT32(1)));
    bson_error_t error;
    // Reads what it will write: this needs the rights, a ping does not.
    if (!mongoc_client_command_simple(client_.get(), config_.database.c_str(), ping.get(), nullptr,
                                      nullptr, &error)) {
      return Failure(error);
    }
    return ReadMark().status();
  }
  SinkTraits traits() const override { return {.keeps_mark = true, .replaces_rows = true}; }

  arrow::Result<std::optional<DeliveryMark>> Open() override {
    ARROW_RETURN_NOT_OK(Connect());
    ARROW_RETURN_NOT_OK(MakeIndexes());
    ARROW_ASSIGN_OR_RAISE(mark_, ReadMark());
    return mark_;
  }

  arrow::Status Write(const arrow::RecordBatch& rows) override {
    if (client_ == nullptr) ARROW_RETURN_NOT_OK(Open().status());
    ARROW_ASSIGN_OR_RAISE(const auto picked, pick_.Apply(rows));
    for (int64_t row = 0; row < picked->num_rows(); ++row) {
      Add({.id = writer_.Selector(*picked, row), .document = writer_.Document(*picked, row)});
      ++row_count_;
      if (entries_.size() >= kBulkRows || bulk_bytes_ >= kBulkBytes) {
        ARROW_RETURN_NOT_OK(SendBulk());
      }
    }
    return arrow::Status::OK();
  }

  arrow::Result<SinkReceipt> Flush(const std::optional<DeliveryMark>& mark) override {
    ARROW_RETURN_NOT_OK(SendBulk());
    ARROW_RETURN_NOT_OK(Reach(FailPoint::kDeliverInTarget));
    if (mark) ARROW_RETURN_NOT_OK(WriteMark(*mark));
    return SinkReceipt{.row_count = std::exchange(row_count_, 0)};
  }

  arrow::Status Close() override {
    ForgetBulk();
    rows_ = nullptr;
    marks_ = nullptr;
    client_ = nullptr;
    return arrow::Status::OK();
  }

 private:
  arrow::Status Connect();
  arrow::Status MakeIndexes();
  void Add(Entry entry);
  void ForgetBulk();
  BulkPointer MakeBulk() const;
  arrow::Status SendBulk();
  /// Writes what is not there. \return places of the others
  arrow::Result<std::vector<size_t>> Insert(const std::vector<Entry>& entries) const;
  arrow::Status Replace(const std::vector<Entry>& entries, const std::vector<size_t>& which) const;
  arrow::Result<std::optional<DeliveryMark>> ReadMark();
  arrow::Status WriteMark(const DeliveryMark& mark);

  const MongoSinkConfig config_;
  const PickColumns pick_;
  const BsonWriter writer_;
  const std::string mark_id_;
  ClientPointer client_;  // Before what it made.
  CollectionPointer rows_;
  CollectionPointer marks_;
  std::vector<Entry> entries_;                     // Of the next bulk: the last of each key.
  std::unordered_map<std::string, size_t> by_id_;  // Places in entries_.
  int64_t bulk_bytes_ = 0;
  int pause_ = 0;          // Bulks that are replaced before the next is inserted,
  int pause_next_ = 16;    // and after further duplicates.
  int64_t row_count_ = 0;  // Since the last Flush.
  std::optional<DeliveryMark> mark_;
};

// The driver makes itself ready before main(), with counters in a segment of shared memory that is
// named by the process id: a killed program leaves it behind, and the next one of that id (in a
// container: every one) is warned of it on the terminal. Runs before the driver's own constructor.
[[gnu::constructor(101)]] void KeepCountersOutOfSharedMemory() {
  ::setenv("MONGOC_DISABLE_SHM", "1", /*overwrite=*/0);
}

arrow::Status MongoSink::Connect() {
  static const bool kIsReady = [] {
    mongoc_init();
    // What fails is told by its status; the driver would write to the terminal as well.
    mongoc_log_set_handler([](mongoc_log_level_t, const char*, const char*, void*) {}, nullptr);
    return true;
  }();
  static_cast<void>(kIsReady);
  bson_error_t error;
  const UriPointer uri(mongoc_uri_new_with_error(config_.url.Reveal().c_str(), &error));
  if (uri == nullptr) {
    return ConfigError("`url` is not well formed; write mongodb://user:password@host:27017");
  }
  mongoc_uri_set_appname(uri.get(), "catchwater");
  if (mongoc_uri_get_option_as_int32(uri.get(), MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 0) == 0) {
    mongoc_uri_set_option_as_int32(uri.get(), MONGOC_URI_SERVERSELECTIONTIMEOUTMS, 10'000);
  }
  static_cast<void>(Close());
  client_.reset(mongoc_client_new_from_uri_with_error(uri.get(), &error));
  if (client_ == nullptr) return ConfigError("MongoDB's URL cannot be used: ", error.message);
  mongoc_client_set_error_api(client_.get(), 2);
  const WriteConcernPointer majority(mongoc_write_concern_new());
  mongoc_write_concern_set_wmajority(majority.get(), static_cast<int32_t>(kTimeoutMs));
  mongoc_client_set_write_concern(client_.get(), majority.get());
  rows_.reset(mongoc_client_get_collection(client_.get(), config_.database.c_str(),
                                           config_.collection.c_str()));
  marks_.reset(
      mongoc_client_get_collection(client_.get(), config_.database.c_str(), kMarkCollection));
  row_count_ = 0;
  return arrow::Status::OK();
}

arrow::Status MongoSink::MakeIndexes() {
  if (config_.indexes.empty()) return arrow::Status::OK();
  const BsonPointer command(BCON_NEW("createIndexes", BCON_UTF8(config_.collection.c_str())));
  bson_t list;
  bson_append_array_begin(command.get(), "indexes", -1, &list);
  for (size_t i = 0; i < config_.indexes.size(); ++i) {
    const MongoIndexConfig& index = config_.indexes[i];
    bson_t entry;
    bson_t key;
    std::string name;
    bson_append_document_begin(&list, std::to_string(i).c_str(), -1, &entry);
    bson_append_document_begin(&entry, "key", -1, &key);
    for (const std::string& column : index.key) {
      const bool is_descending = column.starts_with("-");
      const std::string field = is_descending ? column.substr(1) : column;
      bson_append_int32(&key, field.c_str(), -1, is_descending ? -1 : 1);
      name += (name.empty() ? "" : "_") + field + (is_descending ? "_-1" : "_1");
    }
    bson_append_document_end(&entry, &key);
    bson_append_utf8(&entry, "name", -1, name.c_str(), -1);
    if (index.is_unique) bson_append_bool(&entry, "unique", -1, true);
    if (index.expire_after) {
      bson_append_int64(&entry, "expireAfterSeconds", -1, index.expire_after->ms / 1'000);
    }
    bson_append_document_end(&list, &entry);
  }
  bson_append_array_end(command.get(), &list);
  bson_error_t error;
  if (mongoc_client_command_simple(client_.get(), config_.database.c_str(), command.get(), nullptr,
                                   nullptr, &error)) {
    return arrow::Status::OK();
  }
  const arrow::Status failure = Failure(error);
  if (KindOf(failure) != ErrorKind::kBadData) return failure;
  return ConfigError(
      "Index cannot be made; drop the one that is in the way with "
      "db.",
      config_.collection, ".dropIndex(...): ", error.message);
}

void MongoSink::Add(Entry entry) {
  bulk_bytes_ += entry.document->len;
  const auto [known, is_new] = by_id_.try_emplace(BytesOf(*entry.id), entries_.size());
  if (is_new) {
    entries_.push_back(std::move(entry));
    return;
  }
  Entry& before = entries_[known->second];
  bulk_bytes_ -= before.document->len;
  before = std::move(entry);
}

void MongoSink::ForgetBulk() {
  by_id_.clear();
  entries_.clear();
  bulk_bytes_ = 0;
}

arrow::Status MongoSink::SendBulk() {
  const std::vector<Entry> entries = std::exchange(entries_, {});
  ForgetBulk();
  if (entries.empty()) return arrow::Status::OK();
  if (pause_ > 0) {
    --pause_;
    std::vector<size_t> all(entries.size());
    std::iota(all.begin(), all.end(), 0);
    return Replace(entries, all);
  }
  ARROW_ASSIGN_OR_RAISE(const auto duplicates, Insert(entries));
  if (duplicates.size() * 10 > entries.size()) {
    pause_ = std::exchange(pause_next_, std::min(pause_next_ * 2, kPauseMax));
  }
  return Replace(entries, duplicates);
}

BulkPointer MongoSink::MakeBulk() const {
  const BsonPointer unordered(BCON_NEW("ordered", BCON_BOOL(false)));
  return BulkPointer(
      mongoc_collection_create_bulk_operation_with_opts(rows_.get(), unordered.get()));
}

arrow::Result<std::vector<size_t>> MongoSink::Insert(const std::vector<Entry>& entries) const {
  const BulkPointer bulk = MakeBulk();
  bson_error_t error;
  for (const Entry& entry : entries) {
    if (!mongoc_bulk_operation_insert_with_opts(bulk.get(), entry.document.get(), nullptr,
                                                &error)) {
      return BadData("Row cannot be a document of MongoDB: ", error.message);
    }
  }
  Reply reply;
  if (mongoc_bulk_operation_execute(bulk.get(), &reply.bson, &error) != 0) {
    return std::vector<size_t>{};
  }
  if (error.code != kDuplicateKey) return Failure(error);
  return DuplicatesOf(reply.bson, entries.size());
}

arrow::Status MongoSink::Replace(const std::vector<Entry>& entries,
                                 const std::vector<size_t>& which) const {
  if (which.empty()) return arrow::Status::OK();
  const BsonPointer upsert(BCON_NEW("upsert", BCON_BOOL(true)));
  const BulkPointer bulk = MakeBulk();
  bson_error_t error;
  for (const size_t place : which) {
    const Entry& entry = entries[place];
    if (!mongoc_bulk_operation_replace_one_with_opts(bulk.get(), entry.id.get(),
                                                     entry.document.get(), upsert.get(), &error)) {
      return BadData("Row cannot be a document of MongoDB: ", error.message);
    }
  }
  const bool is_done = mongoc_bulk_operation_execute(bulk.get(), nullptr, &error) != 0;
  return is_done ? arrow::Status::OK() : Failure(error);
}

arrow::Result<std::optional<DeliveryMark>> MongoSink::ReadMark() {
  const BsonPointer filter(BCON_NEW("_id", BCON_UTF8(mark_id_.c_str())));
  const CursorPointer cursor(
      mongoc_collection_find_with_opts(marks_.get(), filter.get(), nullptr, nullptr));
  const bson_t* document = nullptr;
  std::optional<DeliveryMark> mark;
  while (mongoc_cursor_next(cursor.get(), &document)) {
    mark.emplace();
    bson_iter_t field;
    if (bson_iter_init_find(&field, document, "seq")) mark->seq = bson_iter_as_int64(&field);
    if (bson_iter_init_find(&field, document, "ordinal")) {
      mark->ordinal = bson_iter_as_int64(&field);
    }
    if (bson_iter_init_find(&field, document, "file") && BSON_ITER_HOLDS_UTF8(&field)) {
      mark->file = bson_iter_utf8(&field, nullptr);
    }
  }
  bson_error_t error;
  if (mongoc_cursor_error(cursor.get(), &error)) return Failure(error);
  return mark;
}

arrow::Status MongoSink::WriteMark(const DeliveryMark& mark) {
  // The old mark must be there, or none: a mark that somebody else has moved is not found, and the
  // insert of the upsert then meets its `_id`.
  const DeliveryMark old = mark_.value_or(DeliveryMark{});
  const BsonPointer filter(BCON_NEW("_id", BCON_UTF8(mark_id_.c_str()), "seq", BCON_INT64(old.seq),
                                    "ordinal", BCON_INT64(old.ordinal)));
  const BsonPointer update(BCON_NEW("$set", "{", "seq", BCON_INT64(mark.seq), "ordinal",
                                    BCON_INT64(mark.ordinal), "file", BCON_UTF8(mark.file.c_str()),
                                    "}"));
  const BsonPointer upsert(BCON_NEW("upsert", BCON_BOOL(true)));
  bson_error_t error;
  if (!mongoc_collection_update_one(marks_.get(), filter.get(), update.get(), upsert.get(), nullptr,
                                    &error)) {
    const arrow::Status failure = Failure(error);
    if (KindOf(failure) != ErrorKind::kAlreadyExists) return failure;
    return Conflict("Delivered mark in MongoDB was moved by somebody else, mark: ", mark_id_);
  }
  mark_ = mark;
  return arrow::Status::OK();
}

}  // namespace

arrow::Status MongoSinkConfig::Check() const {
  for (const MongoIndexConfig& index : indexes) {
    if (index.expire_after && index.key.size() != 1) {
      return ConfigError("`expire_after` needs an index of one column");
    }
  }
  return arrow::Status::OK();
}

arrow::Status RegisterMongoSink(Registry& registry) {
  return registry.AddSink<MongoSinkConfig>(
      {.name = "mongo",
       .summary = "Keeps a collection of MongoDB equal to the lake's table, one document a key."},
      [](MongoSinkConfig config,
         const SinkContext& context) -> arrow::Result<std::unique_ptr<Sink>> {
        ARROW_ASSIGN_OR_RAISE(auto pick, PickColumns::Make(config.columns, context.schema));
        ARROW_ASSIGN_OR_RAISE(auto writer, BsonWriter::Make(pick.schema(), config.key));
        return std::make_unique<MongoSink>(std::move(config), std::move(pick), std::move(writer),
                                           context);
      });
}

}  // namespace catchwater
