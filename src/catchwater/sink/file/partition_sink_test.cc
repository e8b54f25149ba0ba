#include "catchwater/sink/file/partition_sink.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include <arrow/builder.h>
#include <arrow/scalar.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "catchwater/base/error.h"
#include "catchwater/testing/fake_clock.h"
#include "catchwater/testing/fake_components.h"
#include "catchwater/testing/sink_conformance.h"

namespace catchwater {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A header, then one line a row: as much CSV as is needed here.
class LineEncoder final : public Encoder {
 public:
  arrow::Status Encode(const arrow::RecordBatch& rows, std::string* bytes) override {
    if (!has_header_) *bytes += "header\n";
    has_header_ = true;
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      for (int c = 0; c < rows.num_columns(); ++c) {
        *bytes += (c > 0 ? "," : "") + rows.column(c)->GetScalar(row).ValueOrDie()->ToString();
      }
      *bytes += "\n";
    }
    return arrow::Status::OK();
  }
  arrow::Status Finish(std::string*) override { return arrow::Status::OK(); }

 private:
  bool has_header_ = false;
};

class LineCodec final : public Codec {
 public:
  arrow::Result<std::unique_ptr<Framer>> MakeFramer(const DecodeOptions&) const override {
    return ConfigError("Writes only");
  }
  arrow::Result<std::unique_ptr<Decoder>> MakeDecoder(const DecodeOptions&) const override {
    return ConfigError("Writes only");
  }
  arrow::Result<std::unique_ptr<Encoder>> MakeEncoder(
      const std::shared_ptr<arrow::Schema>&) const override {
    return std::make_unique<LineEncoder>();
  }
};

class PartitionSinkTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "partition_XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    const auto make = [](const testing::FakeEmptyConfig&) -> arrow::Result<std::unique_ptr<Codec>> {
      return std::make_unique<LineCodec>();
    };
    ASSERT_TRUE(registry_.AddCodec<testing::FakeEmptyConfig>({.name = "csv"}, make).ok());
    config_.path = "out/";
    config_.codec = "csv";
  }
  void TearDown() override { fs::remove_all(folder_); }

  arrow::Result<std::unique_ptr<Sink>> Make(std::shared_ptr<arrow::Schema> schema) {
    return MakePartitionSink(config_, {.schema = std::move(schema),
                                       .pipeline = "p",
                                       .sink = "p/file",
                                       .table_key = "db.t",
                                       .files = *files_,
                                       .clock = clock_,
                                       .project_folder = folder_,
                                       .registry = registry_,
                                       .console = std::cout});
  }
  /// Paths below the folder, without those of the sink itself.
  std::vector<std::string> Paths() {
    std::vector<std::string> paths;
    for (const auto& entry : fs::recursive_directory_iterator(folder_ + "/out")) {
      const std::string path = fs::relative(entry.path(), folder_ + "/out").string();
      if (entry.is_regular_file() && !path.starts_with("_catchwater")) paths.push_back(path);
    }
    std::ranges::sort(paths);
    return paths;
  }
  std::vector<std::string> Lines() {
    std::vector<std::string> lines;
    if (!fs::exists(folder_ + "/out")) return lines;
    for (const std::string& path : Paths()) {
      std::ifstream file(folder_ + "/out/" + path);
      std::string line;
      std::getline(file, line);  // The header.
      while (std::getline(file, line)) {
        lines.push_back(line);
      }
    }
    std::ranges::sort(lines);
    return lines;
  }
  static std::shared_ptr<arrow::RecordBatch> At(const std::vector<std::optional<int64_t>>& times) {
    const auto type = arrow::timestamp(arrow::TimeUnit::MICRO, "UTC");
    arrow::TimestampBuilder builder(type, arrow::default_memory_pool());
    for (const auto& us : times)
      EXPECT_TRUE((us ? builder.Append(*us) : builder.AppendNull()).ok());
    return arrow::RecordBatch::Make(arrow::schema({arrow::field("ts", type)}),
                                    static_cast<int64_t>(times.size()),
                                    {builder.Finish().ValueOrDie()});
  }

  std::string folder_;
  std::unique_ptr<Files> files_ = MakeLocalFiles();
  FakeClock clock_;
  Registry registry_;
  FileSinkConfig config_;
};

constexpr int64_t kNewYear2026 = 1'767'225'600'000'000;
constexpr int64_t kHourUs = 3'600'000'000;

TEST_F(PartitionSinkTest, Conforms) {
  testing::CheckSinkConformance(
      {.make = [this](std::shared_ptr<arrow::Schema> schema) { return Make(std::move(schema)); },
       .rows =
           [this] {
             std::vector<std::string> lines = Lines();
             for (std::string& line : lines) line[line.find(',')] = '=';
             return lines;
           }});
}

TEST_F(PartitionSinkTest, DividesRowsByDateAndHour) {
  config_.time = "ts";
  const auto rows = At({kNewYear2026, kNewYear2026 + kHourUs, kNewYear2026 + 1, std::nullopt, -1});
  auto sink = Make(rows->schema()).ValueOrDie();
  ASSERT_TRUE(sink->Open().ok());
  ASSERT_EQ(sink->Write(*rows), arrow::Status::OK());
  ASSERT_TRUE(sink->Flush(DeliveryMark{.seq = 3, .ordinal = 1, .file = "f"}).ok());
  EXPECT_THAT(Paths(), ElementsAre("date=1969-12-31/hour=23/db.t-3-1-0.csv",
                                   "date=2026-01-01/hour=00/db.t-3-1-1.csv",
                                   "date=2026-01-01/hour=01/db.t-3-1-2.csv",
                                   "date=__HIVE_DEFAULT_PARTITION__/db.t-3-1-3.csv"));
  EXPECT_EQ(Lines().size(), 5U);
}

TEST_F(PartitionSinkTest, UndoesWhatACrashLeftBeforeTheMark) {
  const auto rows = At({kNewYear2026});
  auto sink = Make(rows->schema()).ValueOrDie();
  ASSERT_TRUE(sink->Open().ok());
  ASSERT_TRUE(sink->Flush(DeliveryMark{.seq = 1, .ordinal = 0, .file = "a"}).ok());
  // As after the renames of the next flush: the pending list and its file, but the old mark.
  std::ofstream(folder_ + "/out/db.t-2-0-0.csv") << "ts\nx\n";
  std::ofstream(folder_ + "/out/_catchwater/p-file.pending")
      << R"({"mark":{"seq":2,"ordinal":0,"file":"b"},"files":["db.t-2-0-0.csv"]})";
  sink = Make(rows->schema()).ValueOrDie();
  const auto mark = sink->Open().ValueOrDie();
  ASSERT_TRUE(mark.has_value());
  EXPECT_EQ(mark->seq, 1);
  EXPECT_THAT(Paths(), IsEmpty());
}

TEST_F(PartitionSinkTest, RestartRemovesItsOwnFilesOnly) {
  const auto rows = At({kNewYear2026});
  auto sink = Make(rows->schema()).ValueOrDie();
  ASSERT_TRUE(sink->Open().ok());
  ASSERT_TRUE(sink->Write(*rows).ok());
  ASSERT_TRUE(sink->Flush(DeliveryMark{.seq = 1, .ordinal = 0, .file = "a"}).ok());
  std::ofstream(folder_ + "/out/mine.csv") << "kept\n";
  ASSERT_TRUE(sink->Restart().ok());
  EXPECT_THAT(Paths(), ElementsAre("mine.csv"));
  EXPECT_FALSE(Make(rows->schema()).ValueOrDie()->Open().ValueOrDie().has_value());
}

TEST_F(PartitionSinkTest, ADamagedMarkIsNotTakenForNone) {
  fs::create_directories(folder_ + "/out/_catchwater");
  std::ofstream(folder_ + "/out/_catchwater/p-file.mark") << "{";
  const auto opened = Make(At({})->schema()).ValueOrDie()->Open();
  EXPECT_THAT(opened.status().message(), HasSubstr("damaged"));
}

TEST_F(PartitionSinkTest, RefusesATimeThatIsNone) {
  config_.time = "id";
  EXPECT_FALSE(Make(testing::ConformanceSchema()).ok());
  config_.time = "";
  config_.codec = "xml";
  EXPECT_FALSE(Make(testing::ConformanceSchema()).ok());
}

}  // namespace
}  // namespace catchwater
