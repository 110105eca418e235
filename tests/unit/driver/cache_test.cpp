// The cache of compiled programs.
#include "compiler/driver/cache.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "runtime/error.h"

namespace dlc {
namespace {

namespace fs = std::filesystem;

struct CacheTest : testing::Test {
  fs::path folder = fs::path(testing::TempDir()) / fmt::format("dlc-cache-{}", getpid());
  void SetUp() override { fs::remove_all(folder); }
  void TearDown() override { fs::remove_all(folder); }
};

void put(const Cache& cache, const std::string& key, const std::string& content) {
  cache.store(key, [&](const fs::path& path) { std::ofstream(path) << content; });
}
std::string get(const Cache& cache, const std::string& key) {
  const auto path = cache.find(key);
  if (!path) return "nothing";
  std::ifstream file(*path);
  return {std::istreambuf_iterator<char>(file), {}};
}
size_t files_in(const fs::path& folder) {
  return static_cast<size_t>(std::distance(fs::directory_iterator(folder), {}));
}

TEST_F(CacheTest, WhatWasStoredIsFoundByAnotherCacheOfTheFolder) {
  const Cache cache({folder});
  EXPECT_EQ(get(cache, "a"), "nothing");
  put(cache, "a", "one");
  put(cache, "b", "two");
  const Cache again({folder});
  EXPECT_EQ(get(again, "a"), "one");
  EXPECT_EQ(get(again, "b"), "two");
  EXPECT_EQ(again.salt(), cache.salt());
  again.erase("a");
  EXPECT_EQ(get(cache, "a"), "nothing");
}

TEST_F(CacheTest, TheDigestOfAFileIsReadAgainOnlyWhenTheFileWasTouched) {
  const Cache cache({folder});
  const size_t files = files_in(folder);
  const fs::path source = fs::path(DLC_SOURCE_DIR) / "CMakeLists.txt";
  const Digest first = cache.digest_of(source, 1);
  EXPECT_EQ(files_in(folder), files + 1) << "the digest is an entry";
  EXPECT_EQ(cache.digest_of(source, 1), first);

  // The same size and the old time of writing do not hide a change.
  const fs::path mine = folder / "mine";
  std::ofstream(mine) << "one";
  const auto written = fs::last_write_time(mine);
  const Digest one = cache.digest_of(mine, 1);
  std::ofstream(mine) << "two";
  fs::last_write_time(mine, written);
  EXPECT_NE(cache.digest_of(mine, 1), one);
}

TEST_F(CacheTest, AWriterThatFailsLeavesNothingBehind) {
  const Cache cache({folder});
  put(cache, "a", "before");
  const size_t files = files_in(folder);
  EXPECT_THROW(cache.store("a",
                           [](const fs::path& path) {
                             std::ofstream(path) << "half";
                             fail("no more");
                           }),
               Error);
  EXPECT_EQ(get(cache, "a"), "before");
  EXPECT_EQ(files_in(folder), files);
}

TEST_F(CacheTest, TheLeastRecentlyUsedEntriesGo) {
  const Cache cache({folder, 250});
  const std::string content(100, 'x');
  const auto wait = [] { std::this_thread::sleep_for(std::chrono::milliseconds(20)); };
  put(cache, "a", content), wait();
  put(cache, "b", content), wait();
  EXPECT_EQ(get(cache, "a"), content), wait();  // "b" is the oldest now
  put(cache, "c", content);
  EXPECT_EQ(get(cache, "b"), "nothing");
  EXPECT_EQ(get(cache, "a"), content);
  EXPECT_EQ(get(cache, "c"), content);
  put(cache, "large", std::string(1000, 'y'));
  EXPECT_EQ(get(cache, "large").size(), 1000u);  // what is larger than all stays alone
  EXPECT_EQ(get(cache, "c"), "nothing");
}

TEST_F(CacheTest, AFolderThatOthersCanWriteToIsRefused) {
  fs::create_directories(folder);
  for (const mode_t mode : {0770, 0707, 0777}) {
    ASSERT_EQ(::chmod(folder.c_str(), mode), 0);
    EXPECT_THROW(Cache({folder}), Error) << std::oct << mode;
  }
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  EXPECT_NO_THROW(Cache({folder}));
  fs::remove_all(folder);
  std::ofstream(folder) << "a file";
  EXPECT_THROW(Cache({folder}), Error);
}

TEST_F(CacheTest, ProcessesMayStoreAndFindTheSameEntryAtOnce) {
  constexpr int processes = 4, rounds = 50;
  const std::string one(5000, '1'), two(5000, '2');
  for (int p = 0; p < processes; ++p) {
    if (::fork() != 0) continue;
    int failures = 0;
    try {
      const Cache cache({folder, 20'000});
      for (int i = 0; i < rounds; ++i) {
        put(cache, "shared", p % 2 == 0 ? one : two);
        const std::string got = get(cache, "shared");
        // The others' entries may have crowded it out: then it is gone as a whole.
        const bool gone = got.empty() || got == "nothing";
        failures += !gone && got != one && got != two;
        put(cache, fmt::format("own-{}-{}", p, i), one);
      }
    } catch (const std::exception&) {
      failures = 1;
    }
    ::_exit(failures != 0);
  }
  for (int p = 0; p < processes; ++p) {
    int status = 0;
    ::wait(&status);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
}

}  // namespace
}  // namespace dlc
