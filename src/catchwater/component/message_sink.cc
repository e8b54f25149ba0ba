#include "catchwater/component/message_sink.h"

#include <optional>
#include <string_view>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/batch/text_hash.h"
#include "catchwater/batch/text_table.h"
#include "catchwater/component/pick_columns.h"
#include "catchwater/component/registry.h"
#include "catchwater/component/row_template.h"

namespace catchwater {
namespace {

/// One thread at a time.
class MessageSink final : public Sink {
 public:
  MessageSink(std::unique_ptr<MessageProducer> producer, std::unique_ptr<Codec> codec,
              PickColumns pick, RowTemplate address, std::vector<int> key, std::string source,
              bool has_ids_of_place)
      : producer_(std::move(producer)),
        codec_(std::move(codec)),
        pick_(std::move(pick)),
        address_(std::move(address)),
        key_(std::move(key)),
        source_(std::move(source)),
        has_ids_of_place_(has_ids_of_place) {}

  arrow::Status Check() override { return producer_->Check(); }

  void BeginFile(const DeliveryMark& file) override {
    if (has_ids_of_place_) file_ = file;
    row_in_file_ = 0;
  }

  arrow::Status Write(const arrow::RecordBatch& rows) override {
    ARROW_ASSIGN_OR_RAISE(const auto picked, pick_.Apply(rows));
    ARROW_ASSIGN_OR_RAISE(auto encoder, codec_->MakeEncoder(picked->schema()));
    std::string text;
    ARROW_RETURN_NOT_OK(encoder->Encode(*picked, &text));
    ARROW_RETURN_NOT_OK(encoder->Finish(&text));
    std::string_view rest = text;
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      const size_t end = rest.find('\n');
      CATCHWATER_CHECK(end != rest.npos, "JSON lines have one line a row");
      ARROW_RETURN_NOT_OK(Send(rows, row, rest.substr(0, end)));
      rest.remove_prefix(end + 1);
    }
    row_count_ += rows.num_rows();
    return arrow::Status::OK();
  }

  arrow::Result<SinkReceipt> Flush(const std::optional<DeliveryMark>&) override {
    ARROW_RETURN_NOT_OK(producer_->Flush());
    return SinkReceipt{.row_count = std::exchange(row_count_, 0)};
  }

  arrow::Status Close() override {
    producer_->Close();
    return arrow::Status::OK();
  }

 private:
  arrow::Status Send(const arrow::RecordBatch& rows, int64_t row, std::string_view payload) {
    ARROW_ASSIGN_OR_RAISE(const std::string address, address_.Of(rows, row));
    const std::string id = NextId(payload);
    OutgoingMessage message{.address = address, .payload = payload, .id = id};
    const std::string key = KeyOf(rows, row);
    if (!key_.empty()) message.key = key;
    return producer_->Send(message);
  }

  std::string KeyOf(const arrow::RecordBatch& rows, int64_t row) const {
    std::string text;
    for (size_t i = 0; i < key_.size(); ++i) {
      if (i > 0) text += '|';
      const arrow::Array& values = *rows.column(key_[i]);
      if (!values.IsNull(row)) AppendCell(values, row, &text);
    }
    return text;
  }

  std::string NextId(std::string_view payload) {
    if (file_) {
      return source_ + ":" + std::to_string(file_->seq) + ":" + std::to_string(file_->ordinal) +
             ":" + std::to_string(row_in_file_++);
    }
    return source_ + ":" + TextHash(payload);
  }

  const std::unique_ptr<MessageProducer> producer_;
  const std::unique_ptr<Codec> codec_;
  const PickColumns pick_;
  const RowTemplate address_;
  const std::vector<int> key_;
  const std::string source_;
  const bool has_ids_of_place_;
  std::optional<DeliveryMark> file_;  // None: an id is made of the row.
  int64_t row_in_file_ = 0;
  int64_t row_count_ = 0;  // Since the last Flush.
};

}  // namespace

arrow::Result<std::unique_ptr<Sink>> MakeMessageSink(std::unique_ptr<MessageProducer> producer,
                                                     const MessageSinkOptions& options,
                                                     const SinkContext& context) {
  ARROW_ASSIGN_OR_RAISE(auto pick, PickColumns::Make(options.columns, context.schema));
  ARROW_ASSIGN_OR_RAISE(auto address,
                        RowTemplate::Parse(options.address_option, options.address, *context.schema,
                                           options.address_forbidden));
  std::vector<int> key;
  for (const std::string& name : options.key) {
    key.push_back(context.schema->GetFieldIndex(name));
    if (key.back() < 0) return ConfigError("`key` names a column that is not there: ", name);
  }
  ARROW_ASSIGN_OR_RAISE(auto codec, context.registry.MakeCodec("json"));
  return std::make_unique<MessageSink>(
      std::move(producer), std::move(codec), std::move(pick), std::move(address), std::move(key),
      context.stream.empty() ? context.table_key : context.stream, !context.comes_before_commit);
}

}  // namespace catchwater
