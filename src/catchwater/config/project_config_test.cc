#include "catchwater/config/project_config.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

namespace fs = std::filesystem;

std::string Pipeline(const std::string& name, const std::string& table) {
  return "pipeline: " + name +
         "\nsource: { file: { path: a.csv } }\ncodec: csv\n"
         "columns: { ts: { type: timestamp, event_time: true }, v: float64 }\n"
         "lake: { table: " +
         table + ", partition: [day(ts)], sort: [v desc] }\n";
}

class LoadProjectTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() /
              (std::string("catchwater_project_test_") +
               ::testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "pipelines");
  }
  void TearDown() override { fs::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }

  std::optional<Project> Load(const std::string& path = "",
                              std::vector<std::string> overrides = {}) {
    LoadRequest request;
    request.path = path.empty() ? folder_.string() : (folder_ / path).string();
    request.overrides = std::move(overrides);
    diagnostics_ = Diagnostics();
    return LoadProject(request, diagnostics_);
  }

  // The codes of all diagnostics, joined.
  std::string Codes() const {
    std::string codes;
    for (const Diagnostic& diagnostic : diagnostics_.all()) {
      codes += (codes.empty() ? "" : " ") + diagnostic.code;
    }
    return codes;
  }
  std::string Said() const { return Render(diagnostics_, {}); }

  fs::path folder_;
  Diagnostics diagnostics_;
};

TEST_F(LoadProjectTest, ReadsAFolder) {
  Write("catchwater.yaml", "name: town\nlog_level: debug\nmemory: { writer: 64MiB }\n");
  Write("pipelines/b.yaml", Pipeline("b", "x.b"));
  Write("pipelines/a.yml", Pipeline("a", "x.a"));
  Write("pipelines/notes.txt", "not: [yaml");
  const auto project = Load();
  ASSERT_TRUE(project) << Said();
  EXPECT_EQ(project->settings.name, "town");
  EXPECT_EQ(project->settings.log_level, "debug");
  EXPECT_EQ(project->settings.memory.writer, ByteSize::MiB(64));
  EXPECT_EQ(project->settings.memory.queues, ByteSize::MiB(48));
  EXPECT_EQ(project->settings.data, ".catchwater");
  ASSERT_EQ(project->pipelines.size(), 2U);
  EXPECT_EQ(project->pipelines[0].name, "a");
  ASSERT_NE(project->FindPipeline("b"), nullptr);
  EXPECT_EQ(project->FindPipeline("c"), nullptr);
}

TEST_F(LoadProjectTest, FillsAPipeline) {
  Write("pipelines/a.yaml", Pipeline("a", "x.a"));
  const auto project = Load();
  ASSERT_TRUE(project) << Said();
  const PipelineConfig& pipeline = project->pipelines[0];
  ASSERT_EQ(pipeline.columns.size(), 2U);
  EXPECT_EQ(pipeline.columns[0].name, "ts");
  EXPECT_EQ(pipeline.columns[1].type, ColumnType::kFloat64);
  ASSERT_NE(pipeline.event_time(), nullptr);
  EXPECT_EQ(pipeline.event_time()->name, "ts");
  EXPECT_EQ(pipeline.entity(), nullptr);
  ASSERT_TRUE(pipeline.lake);
  EXPECT_EQ(pipeline.lake->partition,
            (std::vector<PartitionSetting>{{PartitionTransform::kDay, 0, "ts"}}));
  EXPECT_EQ(pipeline.lake->sort, (std::vector<SortSetting>{{"v", true}}));
  EXPECT_EQ(pipeline.lake->flush.every, Duration::Seconds(10));
  EXPECT_EQ(pipeline.lake->compact.min_files, 5);
  EXPECT_EQ(ToYaml(pipeline.source.node), "{file: {path: a.csv}}");
}

TEST_F(LoadProjectTest, TheSettingsFileMayBeMissingOrEmpty) {
  Write("pipelines/a.yaml", Pipeline("a", "x.a"));
  auto project = Load();
  ASSERT_TRUE(project) << Said();
  EXPECT_EQ(project->settings.name, folder_.filename().string());
  Write("catchwater.yaml", "");
  project = Load();
  ASSERT_TRUE(project) << Said();
  EXPECT_EQ(project->settings.version, 1);
}

TEST_F(LoadProjectTest, ReadsOnePipelineFileAndFindsItsProject) {
  Write("catchwater.yaml", "name: town\n");
  Write("pipelines/a.yaml", Pipeline("a", "x.a"));
  Write("pipelines/b.yaml", "not: [yaml");
  const auto project = Load("pipelines/a.yaml");
  ASSERT_TRUE(project) << Said();
  EXPECT_EQ(project->pipelines.size(), 1U);
  EXPECT_EQ(project->settings.name, "town");
  EXPECT_TRUE(fs::equivalent(project->folder, folder_));
}

TEST_F(LoadProjectTest, APipelineFileAloneIsAProject) {
  Write("alone.yaml", Pipeline("a", "x.a"));
  const auto project = Load("alone.yaml");
  ASSERT_TRUE(project) << Said();
  EXPECT_TRUE(fs::equivalent(project->folder, folder_));
}

TEST_F(LoadProjectTest, TheSettingsFileStandsForItsFolder) {
  Write("catchwater.yaml", "name: town\n");
  Write("pipelines/a.yaml", Pipeline("a", "x.a"));
  const auto project = Load("catchwater.yaml");
  ASSERT_TRUE(project) << Said();
  EXPECT_EQ(project->pipelines.size(), 1U);
}

TEST_F(LoadProjectTest, ReportsAllErrorsOfAllFiles) {
  Write("catchwater.yaml", "nam: town\nversion: 2\n");
  Write("pipelines/a.yaml", Pipeline("a", "X") + "extra: 1\n");
  Write("pipelines/b.yaml", "not: [yaml");
  Write("pipelines/c.yaml", Pipeline("c", "x.c") + "steps: 5\n");
  EXPECT_FALSE(Load());
  EXPECT_EQ(Codes(), "E1401 E1203 E1001 E1203 E1211 E1204") << Said();
}

TEST_F(LoadProjectTest, RefusesWhatIsNotThere) {
  EXPECT_FALSE(Load("nothing"));
  EXPECT_EQ(Codes(), "E1012");
  EXPECT_FALSE(Load());
  EXPECT_EQ(Codes(), "E1308");
}

TEST_F(LoadProjectTest, RefusesAFileThatIsTooLarge) {
  Write("pipelines/a.yaml", "a: " + std::string(1 << 20, 'x'));
  EXPECT_FALSE(Load());
  EXPECT_EQ(Codes(), "E1003");
}

TEST_F(LoadProjectTest, NamesAndTablesBelongToOnePipeline) {
  Write("pipelines/a.yaml", Pipeline("same", "x.same"));
  Write("pipelines/b.yaml", Pipeline("same", "x.same"));
  EXPECT_FALSE(Load());
  EXPECT_EQ(Codes(), "E1306 E1305") << Said();
}

TEST_F(LoadProjectTest, AStreamMayNotWriteTheTableOfAnother) {
  Write("pipelines/a.yaml", Pipeline("a", "x.a") +
                                "streams: { s: { window: all, compute: { n: count() }, "
                                "to: [{ table: x.a }] } }\n");
  EXPECT_FALSE(Load());
  EXPECT_EQ(Codes(), "E1305") << Said();
}

TEST_F(LoadProjectTest, SetChangesTheOnePipeline) {
  Write("pipelines/a.yaml", Pipeline("a", "x.a"));
  const auto project = Load("", {"source.file.path=new.csv", "lake.flush.every=1s",
                                 "lake.partition=[hour(ts)]", "columns.v.unit=°C"});
  ASSERT_FALSE(project) << "`columns.v` is the text float64, it has no options";
  EXPECT_EQ(Codes(), "E1310") << Said();

  const auto good = Load("", {"source.file.path=new.csv", "lake.flush.every=1s",
                              "lake.partition=[hour(ts)]", "columns.v={type: float64, unit: °C}"});
  ASSERT_TRUE(good) << Said();
  const PipelineConfig& pipeline = good->pipelines[0];
  EXPECT_EQ(ToYaml(pipeline.source.node), "{file: {path: new.csv}}");
  EXPECT_EQ(pipeline.lake->flush.every, Duration::Seconds(1));
  EXPECT_EQ(pipeline.lake->partition[0].transform, PartitionTransform::kHour);
  EXPECT_EQ(pipeline.columns[1].unit, "°C");
}

TEST_F(LoadProjectTest, SetNamesThePipelineWhereThereAreSeveral) {
  Write("pipelines/a.yaml", Pipeline("a", "x.a"));
  Write("pipelines/b.yaml", Pipeline("b", "x.b"));
  const auto project = Load("", {"b.lake.table=y.b"});
  ASSERT_TRUE(project) << Said();
  EXPECT_EQ(project->FindPipeline("a")->lake->table, "x.a");
  EXPECT_EQ(project->FindPipeline("b")->lake->table, "y.b");
  EXPECT_FALSE(Load("", {"lake.table=y.b"}));
  EXPECT_EQ(Codes(), "E1310");
}

struct SetCase {
  std::string name;
  std::string flag;
  std::string want_code = "";  // Empty: it is applied.
};

const std::vector<SetCase> kSetCases = {
    {"Deep", "source.file.path=x"},
    {"OpensAShortComponent", "codec.csv.delimiter=;"},
    {"AddsAMissingMap", "lake.compact.min_files=2"},
    {"QuotedKey", "columns.\"a.b\"=int64"},
    {"ListValue", "lake.sort=[ts]"},
    {"ItemOfAList", "lake.partition[0]=hour(ts)"},
    {"ValueWithEquals", "source.file.path=a=b"},
    {"EmptyValue", "source.file.path=\"\""},
    {"NoEquals", "source.file.path", "E1015"},
    {"NoPath", "=x", "E1015"},
    {"EmptyPart", "source..path=x", "E1015"},
    {"DotAtTheEnd", "source.=x", "E1015"},
    {"QuoteNotClosed", "\"source=x", "E1015"},
    {"BadIndex", "steps[x]=1", "E1015"},
    {"NegativeIndex", "steps[-1]=1", "E1015"},
    {"BehindTheIndex", "lake.partition[0]x=1", "E1015"},
    {"IndexFirst", "[0]=1", "E1015"},
    {"IndexOutOfRange", "lake.partition[1]=hour(ts)", "E1310"},
    {"IndexOfAText", "codec[0]=x", "E1310"},
    {"ThroughAText", "codec.json.x=1", "E1310"},
    {"UnknownOption", "lake.flush.evry=1s", "E1203"},
    {"UnknownTop", "laek.table=a.b", "E1203"},
    {"WrongType", "lake.flush.every=x", "E1208"},
    {"NotYaml", "lake.flush={", "E1001"},
};

class SetTest : public LoadProjectTest, public ::testing::WithParamInterface<SetCase> {};

TEST_P(SetTest, IsAppliedOrRefused) {
  Write("pipelines/a.yaml", Pipeline("a", "x.a"));
  const auto project = Load("", {GetParam().flag});
  EXPECT_EQ(project.has_value(), GetParam().want_code.empty()) << Said();
  EXPECT_EQ(Codes(), GetParam().want_code) << Said();
  EXPECT_EQ(Said().find("--> --set") != std::string::npos, !project.has_value()) << Said();
}

INSTANTIATE_TEST_SUITE_P(Table, SetTest, ::testing::ValuesIn(kSetCases),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace catchwater
