// Files on the loop: jobs on libuv's pool, the loop thread and a JS thread all have a hand in them.
// A failure here means bytes that are lost or out of order, a descriptor that stays open, or
// memory that is touched by two threads at a time.
#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "stress/event.h"
#include "stress/files_side.h"
#include "stress/loop_thread.h"
#include "stress/seed.h"

namespace sideloop::test {
namespace {

using fs::Ask;
using fs::Request;
using fs::Tell;
using testing::ElementsAre;

constexpr std::size_t kChunk = 64 << 10;

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "sideloop-files-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = std::filesystem::canonical(pattern);
  }
  void TearDown() override {
    js_.reset();
    // Waits for all jobs.
    EXPECT_TRUE(loop_->Stop());
    EXPECT_EQ(Open(), 0) << "a descriptor was left open";
    std::filesystem::remove_all(folder_);
  }

  std::string At(const std::string& name) const { return (folder_ / name).string(); }

  std::string Fill(const std::string& name, std::size_t size) const {
    std::string bytes(size, '\0');
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>((i * 2654435761u) >> 13);
    std::ofstream(At(name), std::ios::binary) << bytes;
    return bytes;
  }

  std::string Content(const std::string& name) const {
    std::ostringstream content;
    content << std::ifstream(At(name), std::ios::binary).rdbuf();
    return content.str();
  }

  std::string Fifo(const std::string& name) const {
    EXPECT_EQ(mkfifo(At(name).c_str(), 0600), 0);
    return At(name);
  }

  // Lets whoever waits for the other side of a pipe go on.
  static void Release(const std::string& fifo) { close(open(fifo.c_str(), O_RDWR | O_NONBLOCK)); }

  // How many files of the folder this process has open. By way of open(), which ThreadSanitizer
  // sees: libuv closes descriptors behind its back, and their numbers come again.
  int Open() const {
    int count = 0;
    DIR* descriptors = fdopendir(open("/proc/self/fd", O_RDONLY | O_DIRECTORY));
    while (const dirent* entry = readdir(descriptors)) {
      char target[PATH_MAX];
      const std::string path = std::string("/proc/self/fd/") + entry->d_name;
      const ssize_t size = readlink(path.c_str(), target, sizeof target);
      if (size <= 0) continue;  // gone meanwhile
      const std::string_view name(target, static_cast<std::size_t>(size));
      if (name.starts_with(folder_.string())) ++count;
    }
    closedir(descriptors);
    return count;
  }

  static Request Make(Ask ask, std::int64_t id, std::string path = {}, int flags = O_RDONLY) {
    Request request;
    request.ask = ask;
    request.id = id;
    request.path = std::move(path);
    request.flags = flags;
    request.mode = 0600;
    return request;
  }
  static Request MakeReader(std::int64_t id, std::string path, std::size_t chunk = kChunk) {
    Request request = Make(Ask::kOpenReader, id, std::move(path));
    request.chunk_size = chunk;
    request.window = std::make_shared<ReadWindow>(chunk);
    return request;
  }
  static Request WithData(Request request, std::string_view bytes) {
    request.data = Chunk(bytes.size());
    std::copy(bytes.begin(), bytes.end(), request.data.data());
    request.data.set_size(bytes.size());
    return request;
  }

  std::filesystem::path folder_;
  const std::shared_ptr<EventLoop> loop_ = StartLoop();
  std::unique_ptr<FilesSide> js_ = std::make_unique<FilesSide>(loop_);
};

constexpr int kWrite = O_WRONLY | O_CREAT | O_TRUNC;

TEST_F(Files, AReaderGivesEverythingInOrderHoweverJsTakesIt) {
  std::mt19937_64 random = RandomOf(500);
  for (std::int64_t id = 1; id <= 24; ++id) {
    const std::string name = "file" + std::to_string(id);
    const std::string bytes = Fill(name, random() % 3'000'000);
    const std::size_t chunk = 1 + random() % (2 * kChunk);
    Request request = MakeReader(id, At(name), random() % 2 == 0 ? kChunk : chunk);
    const std::shared_ptr<ReadWindow> window = request.window;
    ASSERT_TRUE(js_->Ask(std::move(request)));
    ASSERT_TRUE(js_->HearUntil([&] {
      // Now it takes what there is, now it waits until more has come.
      if (random() % 3 != 0 || window->unread() >= ReadWindow::kFirstLimit / 2) js_->TakeAll(id);
      EXPECT_LE(window->unread(), ReadWindow::kLastLimit + 2 * kChunk);
      return js_->heard[id].Has(Tell::kClosed);
    }));
    EXPECT_TRUE(js_->heard[id].data == bytes) << "size " << bytes.size();
    EXPECT_EQ(js_->heard[id].words[0], Tell::kOpened);
    EXPECT_TRUE(js_->heard[id].Has(Tell::kEnd));
  }
}

TEST_F(Files, ManyReadersShareThePool) {
  const std::string bytes = Fill("file", 9'000'000);
  for (std::int64_t id = 1; id <= 12; ++id) ASSERT_TRUE(js_->Ask(MakeReader(id, At("file"))));
  ASSERT_TRUE(js_->HearUntil([&] {
    bool all = true;
    for (std::int64_t id = 1; id <= 12; ++id) {
      js_->TakeAll(id);
      all = all && js_->heard[id].Has(Tell::kClosed);
    }
    return all;
  }));
  for (std::int64_t id = 1; id <= 12; ++id) EXPECT_TRUE(js_->heard[id].data == bytes);
}

TEST_F(Files, AReaderRestsUntilJsTakesSomething) {
  Fill("file", 5'000'000);
  Request request = MakeReader(1, At("file"));
  const std::shared_ptr<ReadWindow> window = request.window;
  ASSERT_TRUE(js_->Ask(std::move(request)));
  ASSERT_TRUE(js_->HearUntil([&] { return window->unread() == ReadWindow::kFirstLimit; }));
  js_->Hear();
  EXPECT_EQ(Open(), 1);
  ASSERT_TRUE(js_->Ask(Make(Ask::kClose, 1)));
  ASSERT_TRUE(js_->HearUntil(1, Tell::kClosed));
  EXPECT_EQ(Open(), 0) << "told of the closing before it";
}

TEST_F(Files, AReaderThatIsClosedAtAnyMomentClosesItsFileOnce) {
  std::mt19937_64 random = RandomOf(501);
  Fill("file", 2'000'000);
  for (std::int64_t id = 1; id <= 400; ++id) {
    ASSERT_TRUE(js_->Ask(MakeReader(id, At("file"))));
    const auto until = random() % 4;
    if (until > 0) {
      ASSERT_TRUE(js_->HearUntil([&] { return js_->heard[id].data.size() >= until * kChunk; }));
    }
    if (random() % 2 == 0) js_->TakeAll(id);
    ASSERT_TRUE(js_->Ask(Make(Ask::kClose, id)));
    ASSERT_TRUE(js_->Ask(Make(Ask::kClose, id)));
  }
  for (std::int64_t id = 1; id <= 400; ++id) ASSERT_TRUE(js_->HearUntil(id, Tell::kClosed));
  EXPECT_EQ(Open(), 0);
}

TEST_F(Files, AWriterWritesEverythingInOrder) {
  std::mt19937_64 random = RandomOf(502);
  for (std::int64_t id = 1; id <= 20; ++id) {
    const std::string name = "out" + std::to_string(id);
    ASSERT_TRUE(js_->Ask(Make(Ask::kOpenWriter, id, At(name), kWrite)));
    std::string expected;
    for (int i = 0; i < 200; ++i) {
      const std::string piece(random() % 5000, static_cast<char>('a' + i % 26));
      ASSERT_TRUE(js_->Ask(WithData(Make(Ask::kWrite, id), piece)));
      expected += piece;
      if (random() % 50 == 0) js_->Hear();
    }
    Request finish = Make(Ask::kFinish, id);
    finish.flush = random() % 4 == 0;
    ASSERT_TRUE(js_->Ask(std::move(finish)));
    ASSERT_TRUE(js_->HearUntil(id, Tell::kClosed));
    EXPECT_TRUE(js_->heard[id].Has(Tell::kDone));
    EXPECT_EQ(js_->heard[id].written, static_cast<std::int64_t>(expected.size()));
    EXPECT_TRUE(Content(name) == expected);
  }
}

// Of which 32 bits could not tell the size. The memory is never touched: nobody looks into it
// there.
TEST_F(Files, AWriterWritesAPieceOfMoreThanFourGigabytes) {
#if defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "it would take too long";
#endif
  constexpr std::size_t kSize = (std::size_t{1} << 32) + 10;
  Chunk huge(kSize);
  if (huge.capacity() == 0) GTEST_SKIP() << "no memory";
  huge.set_size(kSize);
  Request write = WithData(Make(Ask::kWrite, 1), "before");
  ASSERT_TRUE(js_->Ask(Make(Ask::kOpenWriter, 1, "/dev/null", O_WRONLY)));
  ASSERT_TRUE(js_->Ask(std::move(write)));
  write = Make(Ask::kWrite, 1);
  write.data = std::move(huge);
  ASSERT_TRUE(js_->Ask(std::move(write)));
  ASSERT_TRUE(js_->Ask(WithData(Make(Ask::kWrite, 1), "after")));
  ASSERT_TRUE(js_->Ask(Make(Ask::kFinish, 1)));
  ASSERT_TRUE(js_->HearUntil(1, Tell::kClosed));
  EXPECT_TRUE(js_->heard[1].Has(Tell::kDone));
  EXPECT_EQ(js_->heard[1].written, static_cast<std::int64_t>(kSize + 11));
}

TEST_F(Files, WholeFilesAreReadWrittenAndAborted) {
  std::mt19937_64 random = RandomOf(503);
  const std::string bytes = Fill("file", 4'000'000);
  for (std::int64_t id = 1; id <= 100; ++id) {
    const std::string out = At("out" + std::to_string(id % 8));
    ASSERT_TRUE(js_->Ask(id % 2 == 0 ? Make(Ask::kReadFile, id, At("file"))
                                     : WithData(Make(Ask::kWriteFile, id, out, kWrite), bytes)));
    if (random() % 3 == 0) {
      if (random() % 2 == 0) js_->Hear();
      ASSERT_TRUE(js_->Ask(Make(Ask::kClose, id)));
    } else {
      ASSERT_TRUE(js_->HearUntil(id, Tell::kDone));
      if (id % 2 == 0) {
        EXPECT_TRUE(js_->heard[id].data == bytes);
      } else {
        EXPECT_EQ(std::filesystem::file_size(out), bytes.size());
      }
    }
  }
}

TEST_F(Files, AFileThatIsNotThereIsSaidAndTheOperationIsOver) {
  ASSERT_TRUE(js_->Ask(MakeReader(1, At("none"))));
  ASSERT_TRUE(js_->Ask(Make(Ask::kReadFile, 2, At("none"))));
  ASSERT_TRUE(js_->Ask(Make(Ask::kOpenWriter, 3, At("none/x"), kWrite)));
  ASSERT_TRUE(js_->HearUntil(1, Tell::kClosed));
  ASSERT_TRUE(js_->HearUntil(2, Tell::kFailed));
  ASSERT_TRUE(js_->HearUntil(3, Tell::kClosed));
  EXPECT_THAT(js_->heard[1].words, ElementsAre(Tell::kFailed, Tell::kClosed));
  EXPECT_THAT(js_->heard[2].words, ElementsAre(Tell::kFailed));
  EXPECT_THAT(js_->heard[3].words, ElementsAre(Tell::kFailed, Tell::kClosed));
  for (std::int64_t id = 1; id <= 3; ++id) EXPECT_EQ(js_->heard[id].error, UV_ENOENT);
}

TEST_F(Files, BytesThatThereWasNoMemoryForFailTheirOwnOperation) {
  Request whole = Make(Ask::kWriteFile, 1, At("whole"), kWrite);
  whole.lacks_data = true;
  ASSERT_TRUE(js_->Ask(std::move(whole)));
  ASSERT_TRUE(js_->Ask(Make(Ask::kOpenWriter, 2, At("stream"), kWrite)));
  Request piece = Make(Ask::kWrite, 2);
  piece.lacks_data = true;
  ASSERT_TRUE(js_->Ask(std::move(piece)));
  ASSERT_TRUE(js_->HearUntil(1, Tell::kFailed));
  ASSERT_TRUE(js_->HearUntil(2, Tell::kClosed));
  EXPECT_EQ(js_->heard[1].error, UV_ENOMEM);
  EXPECT_EQ(js_->heard[2].error, UV_ENOMEM);
}

TEST_F(Files, APoolThatIsBlockedBlocksNeitherTheLoopNorAClosing) {
  // As many as the pool has threads by default, and one more, which is never begun.
  std::vector<std::string> fifos;
  for (std::int64_t id = 1; id <= 4; ++id) {
    fifos.push_back(Fifo("fifo" + std::to_string(id)));
    ASSERT_TRUE(js_->Ask(MakeReader(id, fifos.back())));
  }
  Fill("file", 10);
  ASSERT_TRUE(js_->Ask(MakeReader(5, At("file"))));
  RunOn(*loop_, [] {});
  ASSERT_TRUE(js_->Ask(Make(Ask::kClose, 5)));
  ASSERT_TRUE(js_->HearUntil(5, Tell::kClosed));
  EXPECT_THAT(js_->heard[5].words, ElementsAre(Tell::kClosed)) << "it was begun all the same";
  for (const std::string& fifo : fifos) {
    // Whoever is not yet waiting for it must not miss it.
    ASSERT_TRUE(WaitUntil([&] {
      const int other = open(fifo.c_str(), O_WRONLY | O_NONBLOCK);
      if (other >= 0) close(other);
      return other >= 0;
    }));
  }
  for (std::int64_t id = 1; id <= 4; ++id) ASSERT_TRUE(js_->HearUntil(id, Tell::kClosed));
}

TEST_F(Files, AStopWaitsForWhatIsInProgress) {
  const std::string bytes = Fill("file", 30'000'000);
  ASSERT_TRUE(js_->Ask(Make(Ask::kReadFile, 1, At("file"))));
  ASSERT_TRUE(js_->Ask(WithData(Make(Ask::kWriteFile, 2, At("out"), kWrite), bytes)));
  ASSERT_TRUE(js_->Ask(MakeReader(3, At("file"))));
  EXPECT_TRUE(loop_->Stop(60'000));
  js_->Hear();
  EXPECT_TRUE(js_->heard[1].data == bytes);
  EXPECT_TRUE(js_->heard[2].Has(Tell::kDone));
  // The stream has what was read ahead, then the end of the loop.
  EXPECT_TRUE(js_->heard[3].Has(Tell::kData));
  EXPECT_EQ(js_->ended, "STOPPED");
  EXPECT_EQ(Open(), 0);
}

TEST_F(Files, ADestroyInTheMidstOfEverythingClosesEverything) {
  const std::string bytes = Fill("file", 3'000'000);
  std::mt19937_64 random = RandomOf(504);
  for (int round = 0; round < 15; ++round) {
    const std::shared_ptr<EventLoop> loop = StartLoop();
    FilesSide js(loop);
    for (std::int64_t id = 1; id <= 40; id += 4) {
      const std::string out = At("out" + std::to_string(id));
      ASSERT_TRUE(js.Ask(MakeReader(id, At("file"))));
      ASSERT_TRUE(js.Ask(Make(Ask::kReadFile, id + 1, At("file"))));
      ASSERT_TRUE(js.Ask(WithData(Make(Ask::kWriteFile, id + 2, out, kWrite), bytes)));
      ASSERT_TRUE(js.Ask(Make(Ask::kOpenWriter, id + 3, out + "s", kWrite)));
      ASSERT_TRUE(js.Ask(WithData(Make(Ask::kWrite, id + 3), bytes)));
    }
    if (random() % 2 == 0) {
      const std::size_t some = random() % 10;
      ASSERT_TRUE(js.HearUntil([&] { return js.heard.size() >= some; }));
    }
    if (random() % 2 == 0) js.Close();
    EXPECT_TRUE(loop->Stop(0));
    EXPECT_EQ(Open(), 0);
    js.Hear();
  }
}

TEST_F(Files, AnEnvironmentThatEndsLeavesNothingOpenOnALoopThatLivesOn) {
  const std::string bytes = Fill("file", 3'000'000);
  for (int round = 0; round < 30; ++round) {
    {
      FilesSide other(loop_);
      for (std::int64_t id = 1; id <= 12; id += 3) {
        ASSERT_TRUE(other.Ask(MakeReader(id, At("file"))));
        ASSERT_TRUE(other.Ask(Make(Ask::kReadFile, id + 1, At("file"))));
        const std::string out = At("out" + std::to_string(id));
        ASSERT_TRUE(other.Ask(Make(Ask::kOpenWriter, id + 2, out, kWrite)));
        ASSERT_TRUE(other.Ask(WithData(Make(Ask::kWrite, id + 2), bytes)));
      }
      if (round % 3 != 0) {
        ASSERT_TRUE(other.HearUntil([&] { return !other.heard.empty(); }));
      }
    }
    ASSERT_TRUE(WaitUntil([&] { return Open() == 0; }));
  }
  // The loop serves others as before.
  ASSERT_TRUE(js_->Ask(Make(Ask::kReadFile, 1, At("file"))));
  ASSERT_TRUE(js_->HearUntil(1, Tell::kDone));
  EXPECT_TRUE(js_->heard[1].data == bytes);
}

}  // namespace
}  // namespace sideloop::test
