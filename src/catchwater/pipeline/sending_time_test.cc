#include "catchwater/pipeline/sending_time.h"

#include <cstdint>
#include <stop_token>
#include <thread>

#include <gtest/gtest.h>

namespace catchwater {
namespace {

constexpr int64_t kLongUs = 60'000'000;

TEST(SendingTimeTest, WhereNothingGoesOnThereIsNothingToWaitFor) {
  SendingTime sending;
  EXPECT_TRUE(sending.Cut(/*timeout_us=*/0));
  EXPECT_FALSE(sending.Begin().stop_requested());
  sending.End();
  EXPECT_TRUE(sending.Cut(/*timeout_us=*/0));
}

TEST(SendingTimeTest, CutReturnsAfterWhatWentOnHasEnded) {
  SendingTime sending;
  const std::stop_token cut = sending.Begin();
  int sent = 0;
  std::jthread sender([&] {
    while (!cut.stop_requested()) ++sent;
    sending.End();
  });
  ASSERT_TRUE(sending.Cut(kLongUs));
  const int sent_at_cut = sent;  // A race, if the sender had not ended.
  sender.join();
  EXPECT_EQ(sent, sent_at_cut);
}

TEST(SendingTimeTest, WhatDoesNotEndIsTold) {
  SendingTime sending;
  const std::stop_token cut = sending.Begin();
  EXPECT_FALSE(sending.Cut(/*timeout_us=*/1));
  EXPECT_TRUE(cut.stop_requested());
  sending.End();
}

TEST(SendingTimeTest, ATimeThatBeginsAfterTheCutIsAnotherOne) {
  SendingTime sending;
  const std::stop_token first = sending.Begin();
  std::jthread sender([&] {
    while (!first.stop_requested()) std::this_thread::yield();
    sending.End();
    EXPECT_FALSE(sending.Begin().stop_requested());
  });
  EXPECT_TRUE(sending.Cut(kLongUs));
  sender.join();
  sending.End();
}

}  // namespace
}  // namespace catchwater
