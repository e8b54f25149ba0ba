#include "catchwater/sink/file/row_file.h"

#include <exception>
#include <utility>

#include <parquet/arrow/writer.h>
#include <parquet/properties.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kRowGroupRows = 128 << 10;

class EncodedFile final : public RowFile {
 public:
  EncodedFile(std::shared_ptr<WritableFile> file, std::unique_ptr<Codec> codec,
              std::unique_ptr<Encoder> encoder)
      : file_(std::move(file)), codec_(std::move(codec)), encoder_(std::move(encoder)) {}

  arrow::Status Write(const arrow::RecordBatch& rows) override {
    std::string bytes;
    ARROW_RETURN_NOT_OK(encoder_->Encode(rows, &bytes));
    return file_->Write(bytes.data(), static_cast<int64_t>(bytes.size()));
  }
  arrow::Status Finish() override {
    std::string bytes;
    ARROW_RETURN_NOT_OK(encoder_->Finish(&bytes));
    ARROW_RETURN_NOT_OK(file_->Write(bytes.data(), static_cast<int64_t>(bytes.size())));
    ARROW_RETURN_NOT_OK(file_->Sync());
    return file_->Close();
  }

 private:
  const std::shared_ptr<WritableFile> file_;
  const std::unique_ptr<Codec> codec_;
  const std::unique_ptr<Encoder> encoder_;
};

class ParquetFile final : public RowFile {
 public:
  ParquetFile(std::shared_ptr<WritableFile> file,
              std::unique_ptr<parquet::arrow::FileWriter> writer)
      : file_(std::move(file)), writer_(std::move(writer)) {}

  arrow::Status Write(const arrow::RecordBatch& rows) override {
    return Guarded([&] { return writer_->WriteRecordBatch(rows); });
  }
  arrow::Status Finish() override {
    ARROW_RETURN_NOT_OK(Guarded([&] { return writer_->Close(); }));
    ARROW_RETURN_NOT_OK(file_->Sync());
    return file_->Close();
  }

 private:
  template <class Call>
  static arrow::Status Guarded(const Call& call) {
    try {
      return call();
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {
      return Unavailable("Parquet file could not be written: ", error.what());
    }
  }

  const std::shared_ptr<WritableFile> file_;
  const std::unique_ptr<parquet::arrow::FileWriter> writer_;
};

}  // namespace

arrow::Result<std::unique_ptr<RowFile>> MakeRowFile(const std::string& format,
                                                    std::shared_ptr<WritableFile> file,
                                                    const std::shared_ptr<arrow::Schema>& schema,
                                                    const Registry& registry) {
  if (format == "parquet") {
    const auto properties = parquet::WriterProperties::Builder()
                                .compression(parquet::Compression::ZSTD)
                                ->max_row_group_length(kRowGroupRows)
                                ->build();
    ARROW_ASSIGN_OR_RAISE(
        auto writer,
        parquet::arrow::FileWriter::Open(*schema, arrow::default_memory_pool(), file, properties));
    return std::make_unique<ParquetFile>(std::move(file), std::move(writer));
  }
  ARROW_ASSIGN_OR_RAISE(auto codec, registry.MakeCodec(format));
  ARROW_ASSIGN_OR_RAISE(auto encoder, codec->MakeEncoder(schema));
  return std::make_unique<EncodedFile>(std::move(file), std::move(codec), std::move(encoder));
}

}  // namespace catchwater
