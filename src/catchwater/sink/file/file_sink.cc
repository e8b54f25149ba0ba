#include "catchwater/sink/file/file_sink.h"

#include <filesystem>
#include <memory>
#include <utility>

#include "catchwater/base/error.h"
#include "catchwater/component/pick_columns.h"
#include "catchwater/io/store_path.h"
#include "catchwater/sink/file/partition_sink.h"

namespace catchwater {
namespace {

/// Writes to `path.part-<random>` and renames at the end: a reader sees the old file or the new.
class FileSink final : public Sink {
 public:
  FileSink(std::string path, PickColumns pick, std::unique_ptr<Codec> codec,
           std::unique_ptr<Encoder> encoder, Files& files, int64_t now_us)
      : path_(std::move(path)),
        part_path_(path_ + ".part-" + std::to_string(now_us)),
        pick_(std::move(pick)),
        codec_(std::move(codec)),
        encoder_(std::move(encoder)),
        files_(files) {}

  ~FileSink() override {
    if (file_ != nullptr) (void)Close();
  }

  arrow::Status Check() override {
    const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
    return folder.empty() ? arrow::Status::OK() : files_.CreateDirectories(folder.string());
  }

  arrow::Status Write(const arrow::RecordBatch& rows) override {
    ARROW_RETURN_NOT_OK(MakeFile());
    ARROW_ASSIGN_OR_RAISE(const auto picked, pick_.Apply(rows));
    std::string bytes;
    ARROW_RETURN_NOT_OK(encoder_->Encode(*picked, &bytes));
    row_count_ += rows.num_rows();
    return file_->Write(bytes.data(), static_cast<int64_t>(bytes.size()));
  }

  arrow::Result<SinkReceipt> Flush(const std::optional<DeliveryMark>&) override {
    ARROW_RETURN_NOT_OK(MakeFile());
    std::string bytes;
    ARROW_RETURN_NOT_OK(encoder_->Finish(&bytes));
    ARROW_RETURN_NOT_OK(file_->Write(bytes.data(), static_cast<int64_t>(bytes.size())));
    ARROW_RETURN_NOT_OK(file_->Sync());
    ARROW_RETURN_NOT_OK(file_->Close());
    file_ = nullptr;
    ARROW_RETURN_NOT_OK(files_.Rename(part_path_, path_));
    return SinkReceipt{.row_count = std::exchange(row_count_, 0)};
  }

  arrow::Status Close() override {
    if (file_ == nullptr) return arrow::Status::OK();
    (void)file_->Close();
    file_ = nullptr;
    return files_.Remove(part_path_);
  }

 private:
  arrow::Status MakeFile() {
    if (file_ != nullptr) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(file_, files_.CreateNew(part_path_));
    return arrow::Status::OK();
  }

  const std::string path_;
  const std::string part_path_;
  const PickColumns pick_;
  const std::unique_ptr<Codec> codec_;
  const std::unique_ptr<Encoder> encoder_;
  Files& files_;
  std::shared_ptr<WritableFile> file_;
  int64_t row_count_ = 0;  // Since the last Flush.
};

arrow::Result<std::string> CodecName(const FileSinkConfig& config) {
  if (!config.codec.empty()) return config.codec;
  const std::string extension = std::filesystem::path(config.path).extension().string();
  if (extension == ".csv") return "csv";
  if (extension == ".json" || extension == ".ndjson") return "json";
  return ConfigError("File sink needs `codec`, for the extension does not tell it, path: ",
                     config.path);
}

}  // namespace

arrow::Status RegisterFileSink(Registry& registry) {
  return registry.AddSink<FileSinkConfig>(
      {.name = "file",
       .summary = "Writes a stream's results into one file, or a table's rows into a folder."},
      [](FileSinkConfig config,
         const SinkContext& context) -> arrow::Result<std::unique_ptr<Sink>> {
        const bool is_folder = config.path.ends_with("/");
        if (!context.sink.empty() && !is_folder) {
          return ConfigError("File sink of a table needs a folder, with a `/` at its end: ",
                             config.path);
        }
        if (context.sink.empty() && is_folder) {
          return ConfigError("File sink of a stream needs the name of a file, not of a folder: ",
                             config.path);
        }
        if (is_folder) return MakePartitionSink(config, context);
        ARROW_ASSIGN_OR_RAISE(auto pick, PickColumns::Make(config.columns, context.schema));
        ARROW_ASSIGN_OR_RAISE(const std::string codec_name, CodecName(config));
        ARROW_ASSIGN_OR_RAISE(auto codec, context.registry.MakeCodec(codec_name));
        ARROW_ASSIGN_OR_RAISE(auto encoder, codec->MakeEncoder(pick.schema()));
        return std::make_unique<FileSink>(ResolvePath(context.project_folder, config.path),
                                          std::move(pick), std::move(codec), std::move(encoder),
                                          context.files, context.clock.NowMicros());
      });
}

}  // namespace catchwater
