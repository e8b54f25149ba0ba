#include "catchwater/influx/line_point.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

std::string Read(std::string_view line) {
  LinePoint point;
  if (const auto fault = ParseLinePoint(line, &point)) {
    return std::to_string(fault->offset) + ": " + std::string(fault->what);
  }
  std::string text(point.measurement);
  for (const auto& tag : point.tags) {
    text += " " + std::string(tag.key) + "=" + std::string(tag.value);
  }
  for (const auto& field : point.fields) {
    text += " " + std::string(field.key) + ":" + "finbs"[static_cast<size_t>(field.kind)] +
            std::string(field.value);
  }
  return text + (point.time ? " @" + std::string(*point.time) : "");
}

// The lines of the documents: docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol.
TEST(LinePoint, ReadsWhatTheDocumentsShow) {
  EXPECT_EQ(Read("myMeasurement,tag1=value1,tag2=value2 fieldKey=\"fieldValue\" "
                 "1556813561098000000"),
            "myMeasurement tag1=value1 tag2=value2 fieldKey:sfieldValue @1556813561098000000");
  EXPECT_EQ(Read("myMeasurement fieldKey=1.0"), "myMeasurement fieldKey:f1.0");
  EXPECT_EQ(Read("myMeasurement fieldKey=-1.234456e+78"), "myMeasurement fieldKey:f-1.234456e+78");
  EXPECT_EQ(Read("myMeasurement fieldKey=-12485903i"), "myMeasurement fieldKey:i-12485903");
  EXPECT_EQ(Read("myMeasurement fieldKey=12485903u"), "myMeasurement fieldKey:n12485903");
  EXPECT_EQ(Read("myMeasurement a=t,b=F,c=TRUE,d=False"),
            "myMeasurement a:bt b:bF c:bTRUE d:bFalse");
  EXPECT_EQ(Read(R"(my\ Measurement fieldKey="string value")"),
            R"(my\ Measurement fieldKey:sstring value)");
  EXPECT_EQ(Read(R"(m f="\"string\" within a string")"), R"(m f:s\"string\" within a string)");
  EXPECT_EQ(Read(R"(m,tag\ Key1=tag\ Value1,tag\ Key2=tag\ Value2 fieldKey=100)"),
            R"(m tag\ Key1=tag\ Value1 tag\ Key2=tag\ Value2 fieldKey:f100)");
  EXPECT_EQ(Read("m,tagKey=\xF0\x9F\x8D\xAD fieldKey=\"a, b=c d\" -5 "),
            "m tagKey=\xF0\x9F\x8D\xAD fieldKey:sa, b=c d @-5");
}

TEST(LinePoint, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(Read(""), "0: a measurement is missing");
  EXPECT_EQ(Read(",a=b c=1"), "0: a measurement is missing");
  EXPECT_EQ(Read("m"), "1: a blank and a field are missing");
  EXPECT_EQ(Read("m "), "2: the key of a field is missing");
  EXPECT_EQ(Read("m,a f=1"), "3: a tag has no value");
  EXPECT_EQ(Read("m,a= f=1"), "4: a tag has no value");
  EXPECT_EQ(Read("m,a=b=c f=1"), "5: a tag has two values");
  EXPECT_EQ(Read("m f=1,"), "6: the key of a field is missing");
  EXPECT_EQ(Read("m f=x"), "4: a field is neither number, bool nor quoted");
  EXPECT_EQ(Read("m f=-1u"), "4: a field is neither number, bool nor quoted");
  EXPECT_EQ(Read("m f=1.5i"), "4: a field is neither number, bool nor quoted");
  EXPECT_EQ(Read("m f=NaN"), "4: a field is neither number, bool nor quoted");
  EXPECT_EQ(Read("m f=\"x"), "6: a quote is never closed");
  EXPECT_EQ(Read("m f=\"x\"y"), "7: a field ends with a comma or a blank");
  EXPECT_EQ(Read("m f=1 12x"), "6: the time is no whole number");
  EXPECT_EQ(Read("m f=1 12 13"), "9: something stands behind the time");
}

TEST(LinePoint, TakesBackslashesAway) {
  std::string text = "before";
  EXPECT_FALSE(UnescapeLineText("plain", ", ", &text));
  EXPECT_TRUE(UnescapeLineText(R"(a\ b\,c\=d\\e\)", ", ", &text));
  EXPECT_EQ(text, R"(a b,c\=d\\e\)");
  EXPECT_TRUE(UnescapeLineText(R"(C:\\x \"y\" \n)", kLineStringEscapes, &text));
  EXPECT_EQ(text, R"(C:\x "y" \n)");
}

}  // namespace
}  // namespace catchwater
