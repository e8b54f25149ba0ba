// What is told of paths that find no file.
#include <cerrno>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "catchwater/base/error.h"
#include "catchwater/source/file/file_source.h"
#include "catchwater/testing/fake_clock.h"
#include "catchwater/testing/faulty_files.h"
#include "catchwater/testing/line_framer.h"
#include "catchwater/testing/memory_files.h"

namespace catchwater {
namespace {

class NothingFoundTest : public ::testing::Test {
 protected:
  std::unique_ptr<Source> Made(const std::string& path, bool is_watching = false) {
    FileSourceConfig config;
    config.path = ConfigNode::Scalar(path);
    config.watch = is_watching;
    const SourceContext context{.files = files_,
                                .clock = clock_,
                                .random_seed = 0,
                                .project_folder = "",
                                .pipeline = "p",
                                .make_framer = []() -> arrow::Result<std::unique_ptr<Framer>> {
                                  return std::make_unique<LineFramer>(0);
                                },
                                .frame_bytes_max = 1 << 20};
    return FileSource::Make(config, context).ValueOrDie();
  }
  /// After a Discover.
  std::string Told(Source& source) {
    EXPECT_TRUE(source.Discover().ok());
    return source.nothing_found();
  }

  FakeClock clock_;
  MemoryFiles memory_;
  FaultyFiles files_{memory_};
};

TEST_F(NothingFoundTest, CheckRefusesAFolderThatIsMissing) {
  EXPECT_EQ(KindOf(Made("none.csv")->Check()), ErrorKind::kNotFound);
  EXPECT_EQ(Made("none/*.csv")->Check().message(),
            "No file matches `path`: none/*.csv; this does not exist: none");
  EXPECT_TRUE(Made("none.csv", /*is_watching=*/true)->Check().ok()) << "it may appear";
}

TEST_F(NothingFoundTest, CheckRefusesAFolderThatMayNotBeRead) {
  memory_.Put("in/a.csv", "");
  files_.FailPath("in", EACCES);
  EXPECT_EQ(KindOf(Made("in/*.csv")->Check()), ErrorKind::kDenied);
}

TEST_F(NothingFoundTest, TellsOfAFolderThatIsEmptyToday) {
  memory_.Put("in/a.txt", "1\n");
  const auto source = Made("in/*.csv");
  EXPECT_TRUE(source->Check().ok());
  EXPECT_EQ(source->nothing_found(), "No file matches `path`: in/*.csv");
  EXPECT_EQ(Told(*source), "No file matches `path`: in/*.csv");
  memory_.Put("in/b.csv", "1\n");
  EXPECT_EQ(Told(*source), "");
}

TEST_F(NothingFoundTest, OfWhatIsWatchedOnlyAMissingFolderIsTold) {
  memory_.Put("in/a.txt", "1\n");
  EXPECT_EQ(Told(*Made("in/*.csv", /*is_watching=*/true)), "");
  EXPECT_EQ(Told(*Made("on/*.csv", /*is_watching=*/true)),
            "No file matches `path`: on/*.csv; this does not exist: on");
}

}  // namespace
}  // namespace catchwater
