#include "catchwater/io/decompress.h"

#include <algorithm>
#include <climits>
#include <memory>
#include <utility>
#include <vector>

#define ZLIB_CONST  // Makes zlib's input pointer const.
#include <zlib.h>
#include <zstd.h>

#include "catchwater/base/error.h"

namespace catchwater {
namespace {

constexpr int64_t kInputBytes = 256 << 10;
// zstd --long=27 and below: 128 MiB of window is the most that one stream may ask for.
constexpr int kZstdWindowLogMax = 27;

class PlainReader final : public ByteReader {
 public:
  explicit PlainReader(std::shared_ptr<arrow::io::RandomAccessFile> file)
      : file_(std::move(file)) {}

  arrow::Result<int64_t> Read(int64_t byte_count, char* out) override {
    ARROW_ASSIGN_OR_RAISE(const int64_t got, file_->ReadAt(offset_, byte_count, out));
    offset_ += got;
    return got;
  }
  arrow::Status SkipTo(int64_t offset) override {
    offset_ = offset;
    return arrow::Status::OK();
  }
  int64_t offset() const override { return offset_; }
  Compression compression() const override { return Compression::kNone; }

 private:
  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  int64_t offset_ = 0;
};

// What one call of a library did with its input and output.
struct Step {
  int64_t taken = 0;
  int64_t made = 0;
  bool is_part_end = false;  // A gzip member or zstd frame is complete.
};

class GzipCoder {
 public:
  static constexpr Compression kCompression = Compression::kGzip;
  static constexpr std::string_view kName = "gzip";

  ~GzipCoder() { inflateEnd(&stream_); }
  arrow::Status Begin() {
    constexpr int kGzipOnly = 16 + MAX_WBITS;
    if (inflateInit2(&stream_, kGzipOnly) == Z_OK) return arrow::Status::OK();
    return Unavailable("zlib cannot start: out of memory");
  }
  bool Restart() { return inflateReset(&stream_) == Z_OK; }

  // \return nothing if the input is damaged
  bool Run(std::string_view input, char* out, int64_t out_count, Step& step) {
    stream_.next_in = reinterpret_cast<const Bytef*>(input.data());
    stream_.avail_in = static_cast<uInt>(input.size());
    stream_.next_out = reinterpret_cast<Bytef*>(out);
    const auto room = static_cast<uInt>(std::min<int64_t>(out_count, INT_MAX));
    stream_.avail_out = room;
    const int result = inflate(&stream_, Z_NO_FLUSH);
    step.taken = static_cast<int64_t>(input.size() - stream_.avail_in);
    step.made = static_cast<int64_t>(room - stream_.avail_out);
    step.is_part_end = result == Z_STREAM_END;
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR;
  }
  std::string_view reason() const { return stream_.msg != nullptr ? stream_.msg : "bad stream"; }
  // Behind the last member zeros may stand (tapes, block devices), nothing else.
  static bool IsPadding(std::string_view rest) {
    return rest.find_first_not_of('\0') == std::string_view::npos;
  }

 private:
  z_stream stream_{};
};

class ZstdCoder {
 public:
  static constexpr Compression kCompression = Compression::kZstd;
  static constexpr std::string_view kName = "zstd";

  arrow::Status Begin() {
    if (!context_) return Unavailable("zstd cannot start: out of memory");
    ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kZstdWindowLogMax);
    return arrow::Status::OK();
  }
  bool Restart() { return true; }  // The next frame begins by itself.

  bool Run(std::string_view input, char* out, int64_t out_count, Step& step) {
    ZSTD_inBuffer in{input.data(), input.size(), 0};
    ZSTD_outBuffer made{out, static_cast<size_t>(out_count), 0};
    result_ = ZSTD_decompressStream(context_.get(), &made, &in);
    step.taken = static_cast<int64_t>(in.pos);
    step.made = static_cast<int64_t>(made.pos);
    step.is_part_end = result_ == 0;
    return ZSTD_isError(result_) == 0;
  }
  std::string_view reason() const { return ZSTD_getErrorName(result_); }
  static bool IsPadding(std::string_view) { return false; }

 private:
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context_{ZSTD_createDCtx(), &ZSTD_freeDCtx};
  size_t result_ = 0;
};

template <class Coder>
class CompressedReader final : public ByteReader {
 public:
  CompressedReader(std::shared_ptr<arrow::io::RandomAccessFile> file,
                   const DecompressOptions& options)
      : file_(std::move(file)), options_(options), input_(kInputBytes) {}

  arrow::Status Begin() { return coder_.Begin(); }

  arrow::Result<int64_t> Read(int64_t byte_count, char* out) override {
    int64_t done = 0;
    while (done < byte_count && !is_end_) {
      ARROW_RETURN_NOT_OK(Refill());
      if (is_end_) break;
      ARROW_ASSIGN_OR_RAISE(const int64_t made, Run(byte_count - done, out + done));
      done += made;
    }
    return done;
  }

  arrow::Status SkipTo(int64_t offset) override {
    std::vector<char> dropped(std::min<int64_t>(offset - offset_, kInputBytes));
    while (offset_ < offset) {
      const int64_t wanted = std::min<int64_t>(offset - offset_, kInputBytes);
      ARROW_ASSIGN_OR_RAISE(const int64_t got, Read(wanted, dropped.data()));
      if (got < wanted) {
        return BadData("Uncompressed file ends before the position to resume at, bytes: ", offset_,
                       " ", offset);
      }
    }
    return arrow::Status::OK();
  }

  int64_t offset() const override { return offset_; }
  Compression compression() const override { return Coder::kCompression; }

 private:
  std::string_view pending() const {
    return {input_.data() + begin_, static_cast<size_t>(end_ - begin_)};
  }
  int64_t compressed_offset() const { return file_offset_ - (end_ - begin_); }

  arrow::Status Refill() {
    if (begin_ < end_) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(end_, file_->ReadAt(file_offset_, kInputBytes, input_.data()));
    begin_ = 0;
    file_offset_ += end_;
    if (end_ > 0) return arrow::Status::OK();
    if (is_inside_part_) {
      // The coder may hold output that did not fit before: ask once more without input.
      return arrow::Status::OK();
    }
    is_end_ = true;
    return arrow::Status::OK();
  }

  arrow::Result<int64_t> Run(int64_t byte_count, char* out) {
    if (!is_inside_part_ && has_part_ && Coder::IsPadding(pending())) {
      begin_ = end_;
      return 0;
    }
    Step step;
    const bool had_input = begin_ < end_;
    const bool is_good = coder_.Run(pending(), out, byte_count, step);
    begin_ += step.taken;
    offset_ += step.made;
    if (!is_good) {
      return BadData("Compressed file is damaged, format, compressed byte offset and reason: ",
                     Coder::kName, " ", compressed_offset(), " ", coder_.reason());
    }
    if (!had_input && step.made == 0 && !step.is_part_end) {
      return BadData("Compressed file is truncated, format and compressed byte offset: ",
                     Coder::kName, " ", compressed_offset());
    }
    is_inside_part_ = !step.is_part_end;
    if (step.is_part_end) {
      has_part_ = true;
      if (!coder_.Restart()) return Unavailable("Decompressor cannot start again: ", Coder::kName);
    }
    ARROW_RETURN_NOT_OK(CheckRatio());
    return step.made;
  }

  arrow::Status CheckRatio() const {
    if (offset_ <= options_.ratio_free_bytes) return arrow::Status::OK();
    if (offset_ / options_.ratio_max <= compressed_offset()) return arrow::Status::OK();
    return BadData("Compressed file unpacks to more than ratio_max times its bytes, ratio_max, ",
                   "compressed and uncompressed bytes so far: ", options_.ratio_max, " ",
                   compressed_offset(), " ", offset_);
  }

  std::shared_ptr<arrow::io::RandomAccessFile> file_;
  const DecompressOptions options_;
  Coder coder_;
  std::vector<char> input_;
  int64_t begin_ = 0;  // Of what is not taken yet in input_.
  int64_t end_ = 0;
  int64_t file_offset_ = 0;  // Behind what was read into input_.
  int64_t offset_ = 0;
  bool is_inside_part_ = true;  // A member or frame has begun (the first is expected).
  bool has_part_ = false;       // One was complete.
  bool is_end_ = false;
};

template <class Coder>
arrow::Result<std::unique_ptr<ByteReader>> OpenCompressed(
    std::shared_ptr<arrow::io::RandomAccessFile> file, const DecompressOptions& options) {
  auto reader = std::make_unique<CompressedReader<Coder>>(std::move(file), options);
  ARROW_RETURN_NOT_OK(reader->Begin());
  return reader;
}

}  // namespace

Compression DetectCompression(std::string_view first_bytes) {
  using std::string_view_literals::operator""sv;
  if (first_bytes.starts_with("\x1f\x8b\x08"sv)) return Compression::kGzip;
  if (first_bytes.starts_with("\x28\xb5\x2f\xfd"sv)) return Compression::kZstd;
  // A skippable frame (0x184D2A50 to 5F) may come first.
  if (first_bytes.size() >= 4 && first_bytes.substr(1, 3) == "\x2a\x4d\x18"sv &&
      (static_cast<unsigned char>(first_bytes[0]) & 0xf0) == 0x50) {
    return Compression::kZstd;
  }
  return Compression::kNone;
}

arrow::Result<std::unique_ptr<ByteReader>> ByteReader::Open(
    std::shared_ptr<arrow::io::RandomAccessFile> file, const DecompressOptions& options) {
  char first[4];
  ARROW_ASSIGN_OR_RAISE(const int64_t got, file->ReadAt(0, sizeof(first), first));
  switch (DetectCompression({first, static_cast<size_t>(got)})) {
    case Compression::kGzip:
      return OpenCompressed<GzipCoder>(std::move(file), options);
    case Compression::kZstd:
      return OpenCompressed<ZstdCoder>(std::move(file), options);
    case Compression::kNone:
      break;
  }
  return std::make_unique<PlainReader>(std::move(file));
}

}  // namespace catchwater
