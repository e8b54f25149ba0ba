#include "catchwater/source/file/file_source.h"

#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

#include "catchwater/base/error.h"
#include "catchwater/source/file/content_hash.h"
#include "catchwater/testing/fake_clock.h"
#include "catchwater/testing/faulty_files.h"
#include "catchwater/testing/line_framer.h"
#include "catchwater/testing/memory_files.h"
#include "catchwater/testing/source_conformance.h"

namespace catchwater {
namespace {

std::string Gzip(std::string text) {
  std::string packed(compressBound(text.size()) + 64, '\0');
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  stream.next_in = reinterpret_cast<Bytef*>(text.data());
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string Zstd(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  return packed;
}

std::string Lines(int64_t count, int64_t first = 0) {
  std::string text;
  for (int64_t i = first; i < first + count; ++i) {
    text += "line " + std::to_string(i) + std::string(static_cast<size_t>(i % 17), '.') + "\n";
  }
  return text;
}

// Everything a file source needs, and short words for what tests ask.
class FileSourceTest : public ::testing::Test {
 protected:
  arrow::Result<std::unique_ptr<Source>> Make() {
    const SourceContext context{.files = files_,
                                .clock = clock_,
                                .random_seed = 0,
                                .project_folder = "",
                                .pipeline = "p",
                                .make_framer = [this]() -> arrow::Result<std::unique_ptr<Framer>> {
                                  return std::make_unique<LineFramer>(head_line_count_);
                                },
                                .frame_bytes_max = frame_bytes_max_};
    ARROW_ASSIGN_OR_RAISE(auto source, FileSource::Make(config_, context));
    source->SetIdentityAttributes(identity_names_);
    return std::unique_ptr<Source>(std::move(source));
  }
  std::unique_ptr<Source> Made() { return Make().ValueOrDie(); }
  void SetPath(const std::string& path) { config_.path = ConfigNode::Scalar(path); }
  std::map<std::string, PartitionRead> ReadAll() { return ReadToEnd(*Made()); }
  std::vector<std::string> OfferedNames(Source& source) {
    std::vector<std::string> names;
    for (const Offer& offer : source.Discover().ValueOrDie()) names.push_back(offer.name);
    return names;
  }
  Offer OfferOf(Source& source, const std::string& name) {
    for (Offer& offer : source.Discover().ValueOrDie()) {
      if (offer.name == name) return offer;
    }
    ADD_FAILURE() << "not offered: " << name;
    return {};
  }
  std::string HeadHash(const std::string& name) {
    return OfferOf(*Made(), name).file.value_or(InputFileFacts{}).head_hash;
  }

  MemoryFiles memory_;
  FaultyFiles files_{memory_};
  FakeClock clock_{FakeClock::kDefaultStartUs + 86'400'000'000};
  FileSourceConfig config_;
  int64_t head_line_count_ = 0;
  int64_t frame_bytes_max_ = 4'096;
  std::vector<std::string> identity_names_;
};

std::string Joined(const PartitionRead& part) {
  std::string text;
  for (const Frame& frame : part.frames) text += frame.second;
  return text;
}

struct ContentCase {
  std::string name;
  std::string file;
  std::string bytes;
  int64_t head_line_count;
  std::string want;
};

const std::string kText = Lines(400);

const std::vector<ContentCase> kContents = {
    {"Plain", "a.csv", kText, 0, kText},
    {"NoLastLineEnd", "a.csv", kText + "last", 0, kText + "last"},
    {"CarriageReturns", "a.csv", "a\r\nb\r\nc", 0, "a\r\nb\r\nc"},
    {"Head", "a.csv", "x,y\n" + kText, 1, kText},
    {"LongHead", "a.csv", std::string(100'000, 'h') + "\n" + kText, 1, kText},
    {"OneLine", "a.csv", "x", 0, "x"},
    {"EmptyLines", "a.csv", "\n\n\n", 0, "\n\n\n"},
    {"Gzip", "a.csv.gz", Gzip("x,y\n" + kText), 1, kText},
    {"GzipMembers", "a.csv.gz", Gzip("x,y\nhalf a ") + Gzip("line\n" + kText), 1,
     "half a line\n" + kText},
    {"Zstd", "a.csv.zst", Zstd(kText), 0, kText},
    {"PackedUnderAnotherName", "a.csv", Gzip(kText), 0, kText},
};

class FileContentTest : public FileSourceTest, public ::testing::WithParamInterface<ContentCase> {};

TEST_P(FileContentTest, ConformsAndDeliversEveryLineWhateverTheBlocks) {
  const ContentCase& test = GetParam();
  head_line_count_ = test.head_line_count;
  frame_bytes_max_ = 200'000;
  memory_.Put("in/" + test.file, test.bytes);
  SetPath("in");
  for (const int64_t block_bytes : {512, 4'096, 1 << 20}) {
    config_.block_bytes = ByteSize{block_bytes};
    const auto parts = ReadAll();
    ASSERT_EQ(parts.size(), 1U);
    EXPECT_EQ(Joined(parts.begin()->second), test.want) << "block_bytes " << block_bytes;
  }
  config_.block_bytes = ByteSize{512};
  CheckSourceConformance({.make = [this] { return Make(); }, .resume_count_max = 500});
}

INSTANTIATE_TEST_SUITE_P(Table, FileContentTest, ::testing::ValuesIn(kContents),
                         [](const auto& test) { return test.param.name; });

TEST_F(FileSourceTest, FilesWithoutFramesJustEnd) {
  head_line_count_ = 1;
  memory_.Put("in/empty.csv", "");
  memory_.Put("in/header.csv", "a,b\n");
  memory_.Put("in/header_cut.csv", "a,b");
  SetPath("in/*.csv");
  for (const auto& [name, part] : ReadAll()) {
    EXPECT_TRUE(part.has_ended) << name << part.failure;
    EXPECT_TRUE(part.frames.empty()) << name;
  }
}

TEST_F(FileSourceTest, CountsLinesAcrossBlocksAndAfterAResume) {
  head_line_count_ = 1;
  memory_.Put("a.csv", "head\n" + Lines(100));
  SetPath("a.csv");
  config_.block_bytes = ByteSize{256};
  const auto whole = ReadAll().at("a.csv");
  ASSERT_GT(whole.block_ends.size(), 3U);
  EXPECT_EQ(whole.line_firsts[0], 2);
  size_t frame = 0;
  for (size_t i = 0; i < whole.block_ends.size(); ++i) {
    EXPECT_EQ(whole.line_firsts[i], static_cast<int64_t>(frame) + 2);
    while (frame < whole.frames.size() && whole.frames[frame].first < whole.block_ends[i].ordinal) {
      ++frame;
    }
  }
  const auto resumed = ReadToEnd(*Made(), {{"a.csv", whole.block_ends[1]}}).at("a.csv");
  EXPECT_EQ(resumed.line_firsts[0], whole.line_firsts[2]);
  Position without_token = whole.block_ends[1];
  without_token.token.clear();
  EXPECT_EQ(ReadToEnd(*Made(), {{"a.csv", without_token}}).at("a.csv").line_firsts[0], 0);
}

TEST_F(FileSourceTest, ALongRecordIsRejectedWithItsLengthAndReadingGoesOn) {
  const std::string longest(4'095, 'k');
  const std::string too_long(300'000, 'x');
  memory_.Put("a.csv", "first\n" + longest + "\n" + too_long + "\nlast\n" + too_long);
  SetPath("a.csv");
  for (const int64_t block_bytes : {512, 4'096, 65'536}) {
    config_.block_bytes = ByteSize{block_bytes};
    const auto part = ReadAll().at("a.csv");
    ASSERT_EQ(part.failure, "");
    std::vector<std::string> got;
    for (const Frame& frame : part.frames) got.push_back(frame.second);
    EXPECT_EQ(got, (std::vector<std::string>{"first\n", longest + "\n", "rejected: 300001",
                                             "last\n", "rejected: 300000"}))
        << "block_bytes " << block_bytes;
  }
  CheckSourceConformance({.make = [this] { return Make(); }});
}

TEST_F(FileSourceTest, ARejectedRecordKeepsItsBeginning) {
  memory_.Put("a.csv", std::string(200'000, 'x') + "\n");
  SetPath("a.csv");
  config_.block_bytes = ByteSize{4'096};
  auto source = Made();
  ASSERT_TRUE(source->Open(OfferOf(*source, "a.csv"), 1, {}).ok());
  auto next = NextOf(*source).ValueOrDie();
  const auto& block = std::get<Block>(next);
  EXPECT_EQ(block.bytes->size(), kDeadLetterRawBytesMax);
  EXPECT_EQ(block.reject_bytes, 200'001);
  EXPECT_NE(block.reject_reason.find("frame_bytes_max"), std::string::npos);
  EXPECT_EQ(block.origin.range.to.ordinal, 200'001U);
}

TEST_F(FileSourceTest, ATruncatedGzipFailsAndKeepsWhatCameBeforeAndTheOthersGoOn) {
  config_.block_bytes = ByteSize{4'096};
  const std::string packed = Gzip(Lines(20'000));
  memory_.Put("in/bad.csv.gz", packed.substr(0, packed.size() / 2));
  memory_.Put("in/good.csv", kText);
  SetPath("in");
  const auto parts = ReadAll();
  const PartitionRead& bad = parts.at("in/bad.csv.gz");
  EXPECT_NE(bad.failure.find("truncated"), std::string::npos) << bad.failure;
  EXPECT_NE(bad.failure.find("in/bad.csv.gz"), std::string::npos) << bad.failure;
  EXPECT_GT(bad.frames.size(), 1'000U);
  EXPECT_EQ(Joined(bad), Lines(20'000).substr(0, Joined(bad).size()));
  EXPECT_EQ(Joined(parts.at("in/good.csv")), kText);
}

TEST_F(FileSourceTest, AnUnreadableFileIsOfferedAndFailsWithItsReason) {
  memory_.Put("in/a.csv", kText);
  memory_.Put("in/locked.csv", kText);
  memory_.Put("in/shut/b.csv", kText);
  files_.FailPath("in/locked.csv", EACCES);
  files_.FailPath("in/shut", EACCES);
  SetPath("in");
  const auto parts = ReadAll();
  EXPECT_EQ(Joined(parts.at("in/a.csv")), kText);
  EXPECT_NE(parts.at("in/locked.csv").failure.find("Permission denied"), std::string::npos);
  EXPECT_NE(parts.at("in/shut/").failure.find("Permission denied"), std::string::npos);
}

TEST_F(FileSourceTest, AVanishedFileFailsAndTheOthersGoOn) {
  memory_.Put("in/a.csv", "1\n");
  memory_.Put("in/b.csv", "2\n");
  SetPath("in");
  auto source = Made();
  const auto offers = source->Discover().ValueOrDie();
  ASSERT_TRUE(source->Open(offers[0], 1, {}).ok());
  ASSERT_TRUE(source->Open(offers[1], 2, {}).ok());
  ASSERT_TRUE(memory_.Remove("in/a.csv").ok());
  const auto failed = std::get<PartitionFailed>(NextOf(*source).ValueOrDie());
  EXPECT_EQ(failed.partition_id, 1);
  EXPECT_TRUE(failed.is_retryable);
  EXPECT_NE(failed.reason.find("in/a.csv"), std::string::npos);
  EXPECT_EQ(std::get<Block>(NextOf(*source).ValueOrDie()).bytes->ToString(), "2\n");
}

// Fails each operation on the disk in turn: there is an error or all lines, never fewer in silence.
TEST_F(FileSourceTest, EveryFailedOperationIsTold) {
  config_.block_bytes = ByteSize{4'096};
  memory_.Put("a.csv", Lines(1'000));
  SetPath("a.csv");
  for (int64_t k = 1;; ++k) {
    auto source = Made();
    files_.FailOperation(k, EIO);
    auto offers = source->Discover();
    std::string text;
    bool is_told = !offers.ok() || offers->empty();
    if (!is_told) {
      ASSERT_TRUE(source->Open(offers->front(), 1, {}).ok());
      for (;;) {
        auto next = NextOf(*source).ValueOrDie();
        if (const auto* block = std::get_if<Block>(&next)) text += block->bytes->ToString();
        is_told |= std::holds_alternative<PartitionFailed>(next);
        if (!std::holds_alternative<Block>(next)) break;
      }
    }
    EXPECT_TRUE(is_told || text == Lines(1'000)) << "operation " << k;
    if (!files_.has_failed()) {
      EXPECT_FALSE(is_told);
      EXPECT_GT(k, 8);
      break;
    }
  }
}

TEST_F(FileSourceTest, AChangedFileIsRefusedOnResume) {
  memory_.Put("a.csv", Lines(100));
  SetPath("a.csv");
  config_.block_bytes = ByteSize{512};
  const Position middle = ReadAll().at("a.csv").block_ends[1];
  std::string other = Lines(100);
  other[static_cast<size_t>(middle.ordinal) - 3] = '#';
  memory_.Put("a.csv", other);
  const auto part = ReadToEnd(*Made(), {{"a.csv", middle}}).at("a.csv");
  EXPECT_NE(part.failure.find("not the one that was read before"), std::string::npos);
  EXPECT_TRUE(part.frames.empty());
}

TEST_F(FileSourceTest, AFileThatGrowsMeanwhileIsNotTakenForWhatWasFound) {
  memory_.Put("a.csv", "1\n");
  SetPath("a.csv");
  auto source = Made();
  const Offer offer = OfferOf(*source, "a.csv");
  memory_.Append("a.csv", "2\n");
  ASSERT_TRUE(source->Open(offer, 1, {}).ok());
  const auto failed = std::get<PartitionFailed>(NextOf(*source).ValueOrDie());
  EXPECT_NE(failed.reason.find("changed since it was found"), std::string::npos);
  EXPECT_TRUE(failed.is_retryable);
}

TEST_F(FileSourceTest, OffersCarryAttributesAndFacts) {
  memory_.Put("in/date=2026-01-02/north/s1.csv", "abc");
  SetPath("in/**/*.csv");
  config_.pattern = "{site}/{sensor_id}.csv";
  auto source = Made();
  const Offer offer = OfferOf(*source, "in/date=2026-01-02/north/s1.csv");
  EXPECT_EQ(offer.attributes->back(),
            (std::pair<std::string, std::string>("path.sensor_id", "s1")));
  EXPECT_EQ(offer.file->byte_count, 3);
  EXPECT_EQ(offer.file->head_hash, HashContent("abc", {}, {}));
  EXPECT_EQ(source->FullHash(offer).ValueOrDie(), HashContent("abc", {}, {}));
  EXPECT_TRUE(offer.is_bounded);
  ASSERT_TRUE(source->Open(offer, 1, {}).ok());
  const auto next = NextOf(*source).ValueOrDie();
  EXPECT_EQ(std::get<Block>(next).attributes, offer.attributes);
}

TEST_F(FileSourceTest, AFileThatDoesNotMatchThePatternFails) {
  memory_.Put("in/x.json", "abc");
  SetPath("in");
  config_.pattern = "{s}.csv";
  EXPECT_NE(ReadAll().at("in/x.json").failure.find("pattern"), std::string::npos);
}

TEST_F(FileSourceTest, IdentityIsContentAndWhatThePathTellsTheColumns) {
  memory_.Put("in/a.csv", "x\n");
  memory_.Put("in/b.csv", "x\n");
  memory_.Put("in/c.csv", "y\n");
  SetPath("in");
  EXPECT_EQ(HeadHash("in/a.csv"), HeadHash("in/b.csv")) << "a mere copy";
  EXPECT_NE(HeadHash("in/a.csv"), HeadHash("in/c.csv"));
  memory_.SetModified("in/b.csv", 1);
  EXPECT_EQ(HeadHash("in/a.csv"), HeadHash("in/b.csv")) << "touched";
  identity_names_ = {"path.stem"};
  EXPECT_NE(HeadHash("in/a.csv"), HeadHash("in/b.csv")) << "another sensor";
}

TEST_F(FileSourceTest, HashesAFileOnlyOnceWhileItStays) {
  memory_.Put("in/a.csv", Lines(10));
  SetPath("in");
  auto source = Made();
  const Offer offer = OfferOf(*source, "in/a.csv");
  ASSERT_TRUE(source->FullHash(offer).ok());
  const int64_t before = files_.operation_count();
  ASSERT_TRUE(source->Discover().ok());
  ASSERT_TRUE(source->FullHash(offer).ok());
  EXPECT_LE(files_.operation_count() - before, 4) << "lists, but opens nothing";
}

TEST_F(FileSourceTest, KnowsTheHashOfWhatItReadAndOpensNothingForIt) {
  head_line_count_ = 1;
  config_.block_bytes = ByteSize{512};
  identity_names_ = {"path.stem"};
  memory_.Put("in/a.csv", "head\n" + Lines(200) + "last");
  memory_.Put("in/b.csv.gz", Gzip("head\n" + Lines(200)));
  SetPath("in");
  for (const char* name : {"in/a.csv", "in/b.csv.gz"}) {
    auto source = Made();
    const Offer offer = OfferOf(*source, name);
    const std::string want = Made()->FullHash(offer).ValueOrDie();
    ASSERT_TRUE(source->Open(offer, 1, {}).ok());
    while (std::holds_alternative<Block>(NextOf(*source).ValueOrDie())) continue;
    const int64_t before = files_.operation_count();
    EXPECT_EQ(source->FullHash(offer).ValueOrDie(), want);
    EXPECT_EQ(files_.operation_count() == before, std::string_view(name) == "in/a.csv") << name;
  }
}

TEST_F(FileSourceTest, TakesAFileInAWatchedFolderWhenItIsComplete) {
  config_.watch = true;
  memory_.Put("in/a.csv", "1\n");
  memory_.SetModified("in/a.csv", clock_.NowMicros() - 200'000);
  for (const char* name : {"in/b.csv.tmp", "in/c.part", "in/.d.csv"}) memory_.Put(name, "1\n");
  SetPath("in");
  auto source = Made();
  EXPECT_EQ(source->discover_interval_ms(), 1'000);
  EXPECT_EQ(OfferedNames(*source), std::vector<std::string>{});
  EXPECT_EQ(source->pending_count(), 1);
  clock_.Advance(700'000);
  memory_.Append("in/a.csv", "2\n");
  memory_.SetModified("in/a.csv", clock_.NowMicros());
  clock_.Advance(900'000);
  EXPECT_EQ(OfferedNames(*source), std::vector<std::string>{}) << "it moved again";
  clock_.Advance(200'000);
  EXPECT_EQ(OfferedNames(*source), std::vector<std::string>{"in/a.csv"});
  EXPECT_EQ(source->pending_count(), 0);
}

TEST_F(FileSourceTest, TakesAFileWithATimeAheadOnceItRests) {
  config_.watch = true;
  memory_.Put("in/a.csv", "1\n");
  memory_.SetModified("in/a.csv", clock_.NowMicros() + 3'600'000'000);
  SetPath("in");
  auto source = Made();
  EXPECT_EQ(OfferedNames(*source), std::vector<std::string>{});
  clock_.Advance(1'000'000);
  EXPECT_EQ(OfferedNames(*source), std::vector<std::string>{"in/a.csv"});
}

TEST_F(FileSourceTest, EndsWhenAllIsReadButNotWhileItWatches) {
  SetPath("none.csv");
  EXPECT_TRUE(std::holds_alternative<SourceEnd>(NextOf(*Made()).ValueOrDie()));
  EXPECT_EQ(Made()->discover_interval_ms(), 0);
  config_.watch = true;
  EXPECT_TRUE(std::holds_alternative<NotYet>(NextOf(*Made(), 10).ValueOrDie()));
}

TEST_F(FileSourceTest, RefusesAConfigurationThatMakesNoSense) {
  EXPECT_EQ(KindOf(Make().status()), ErrorKind::kConfig) << "no path";
  SetPath("a");
  config_.pattern = "{a}{b}";
  EXPECT_EQ(KindOf(Make().status()), ErrorKind::kConfig);
}

TEST(FileSourceExample, IsAGoodConfiguration) {
  const auto files = MakeLocalFiles();
  const std::string text =
      files->ReadAll("src/catchwater/source/file/file_source.example.yaml", 1 << 20).ValueOrDie();
  Diagnostics diagnostics;
  const ConfigNode document = ParseYamlText("example", text, Environment::FromMap({}), diagnostics);
  Registry registry;
  ASSERT_TRUE(RegisterFileSource(registry).ok());
  const auto chosen = registry.ChooseSource(document.At("source"), diagnostics);
  ASSERT_TRUE(chosen) << Render(diagnostics, {});
  MemoryFiles memory;
  FakeClock clock;
  const SourceContext context{.files = memory,
                              .clock = clock,
                              .random_seed = 0,
                              .project_folder = "",
                              .pipeline = "p",
                              .make_framer = []() -> arrow::Result<std::unique_ptr<Framer>> {
                                return std::make_unique<LineFramer>(1);
                              }};
  memory.Put("inbox/north/s1.csv", "timestamp,value\n2026-01-01,1\n");
  const auto source = chosen->make(context).ValueOrDie();
  EXPECT_EQ(source->take_policy().min_files, 5);
  clock.Advance(2'000'000);
  EXPECT_EQ(source->Discover()->size(), 0U) << "it may still be written";
  clock.Advance(2'000'000);
  EXPECT_EQ(source->Discover()->size(), 1U);
}

TEST(FileSourceExample, ShortFormsAndMistakes) {
  Registry registry;
  ASSERT_TRUE(RegisterFileSource(registry).ok());
  const auto chooses = [&](std::string_view yaml) {
    Diagnostics diagnostics;
    const ConfigNode node = ParseYamlText("test", yaml, Environment::FromMap({}), diagnostics);
    return registry.ChooseSource(node, diagnostics).has_value();
  };
  EXPECT_TRUE(chooses("file: a.csv"));
  EXPECT_TRUE(chooses("file: { path: [a.csv, b/] }"));
  EXPECT_FALSE(chooses("file: {}"));
  EXPECT_FALSE(chooses("file: { path: [] }"));
  EXPECT_FALSE(chooses("file: { path: '' }"));
  EXPECT_FALSE(chooses("file: { path: { a: b } }"));
  EXPECT_FALSE(chooses("file: { path: a, pattern: '{a' }"));
  EXPECT_FALSE(chooses("file: { path: a, blok_bytes: 1MiB }"));
  EXPECT_FALSE(chooses("file: { path: a, take: { min_files: 0 } }"));
}

}  // namespace
}  // namespace catchwater
