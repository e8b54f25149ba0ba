#include "catchwater/notify/object_event.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

using Paths = std::vector<std::string>;

std::string Record(const std::string& name, const std::string& bucket, const std::string& key) {
  return R"({"eventVersion":"2.1","eventSource":"aws:s3","eventName":")" + name +
         R"(","s3":{"bucket":{"name":")" + bucket + R"("},"object":{"key":")" + key +
         R"(","size":1024,"eTag":"d41d8c"}}})";
}

struct Case {
  std::string name;
  std::string message;
  Paths wanted;
};
class CreatedObjectsTest : public ::testing::TestWithParam<Case> {};

TEST_P(CreatedObjectsTest, Reads) {
  EXPECT_EQ(CreatedObjects(GetParam().message), GetParam().wanted);
}

INSTANTIATE_TEST_SUITE_P(
    Corpus, CreatedObjectsTest,
    ::testing::Values(
        Case{"One",
             R"({"Records":[)" + Record("ObjectCreated:Put", "b", "in/a.csv") + "]}",
             {"s3://b/in/a.csv"}},
        Case{"OfMinIO",
             R"({"EventName":"s3:ObjectCreated:Put","Key":"b/a","Records":[)" +
                 Record("s3:ObjectCreated:Put", "b", "a") + "]}",
             {"s3://b/a"}},
        Case{"EscapedAsInAForm",
             R"({"Records":[)" + Record("ObjectCreated:Put", "b", "a+b%2B%C3%BC%2") + "]}",
             {"s3://b/a b+\xC3\xBC%2"}},
        Case{"OfOtherKinds",
             R"({"Records":[)" + Record("ObjectRemoved:Delete", "b", "a") + "," +
                 Record("ObjectCreated:Copy", "b", "c") + "]}",
             {"s3://b/c"}},
        Case{"OfSns",
             R"({"Type":"Notification","Message":"{\"Records\":[{\"eventName\":)"
             R"(\"ObjectCreated:Put\",\"s3\":{\"bucket\":{\"name\":\"b\"},)"
             R"(\"object\":{\"key\":\"k\"}}}]}"})",
             {"s3://b/k"}},
        Case{"TestEvent", R"({"Service":"Amazon S3","Event":"s3:TestEvent","Bucket":"b"})", {}},
        Case{"Nothing", "", {}}, Case{"NoJson", "{\"Records\":", {}}, Case{"AList", "[1,2]", {}},
        Case{"AWord", "null", {}},
        Case{"OtherTypes", R"({"Records":[1,{"eventName":2},{"s3":[]}]})", {}},
        Case{"RecordsAreNoList", R"({"Records":{"eventName":"ObjectCreated:Put"}})", {}},
        Case{"NoKey", R"({"Records":[)" + Record("ObjectCreated:Put", "b", "") + "]}", {}}),
    [](const auto& test) { return test.param.name; });

TEST(CreatedObjects, AreBounded) {
  std::string message = R"({"Records":[)";
  for (int i = 0; i < 1'500; ++i)
    message += (i == 0 ? "" : ",") + Record("ObjectCreated:Put", "b", "k");
  EXPECT_EQ(CreatedObjects(message + "]}").size(), 1'000U);
}

TEST(MayMatch, LooksAtWhatStandsBeforeTheWildcard) {
  EXPECT_TRUE(MayMatch("s3://b/in/*.csv", "s3://b/in/a.txt"));
  EXPECT_TRUE(MayMatch("s3://b/in", "s3://b/in/deep/a"));
  EXPECT_FALSE(MayMatch("s3://b/in/*.csv", "s3://b/out/a.csv"));
  EXPECT_FALSE(MayMatch("s3://b/in/*.csv", "s3://c/in/a.csv"));
}

}  // namespace
}  // namespace catchwater
