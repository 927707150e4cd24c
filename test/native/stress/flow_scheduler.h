// Thread: crosses. The smallest DAG scheduler that the founding flow needs: nodes run on CPU
// threads, completions are posted back to the scheduler's own thread, which starts what is ready.
// Owns: the nodes and the CPU threads.
// Ends: Run() returns when every node is complete.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace sideloop::test {

// A queue between threads; Take waits for the next, or for the end.
template <typename T>
class Inbox {
 public:
  void Put(T item) {
    {
      const std::lock_guard lock(mutex_);
      items_.push_back(std::move(item));
    }
    changed_.notify_one();
  }

  void Close() {
    {
      const std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

  // Empty when it is closed and nothing is left.
  std::optional<T> Take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !items_.empty() || closed_; });
    if (items_.empty()) return std::nullopt;
    T item = std::move(items_.front());
    items_.pop_front();
    return item;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;
  bool closed_ = false;
};

class FlowScheduler {
 public:
  // Runs on a CPU thread. The node is complete when somebody says so, here or later elsewhere.
  using Work = std::function<void(FlowScheduler&, int node)>;

  explicit FlowScheduler(int cpu_threads) : cpu_threads_(cpu_threads) {}

  // Adds a node that becomes ready when `dependencies` are complete, and returns its number.
  int Add(Work work, const std::vector<int>& dependencies = {}) {
    const int node = static_cast<int>(nodes_.size());
    nodes_.push_back({std::move(work), {}, dependencies.size(), 0, 0});
    for (const int dependency : dependencies) nodes_[dependency].dependents.push_back(node);
    return node;
  }

  // Any thread: posts to the scheduler's thread.
  void OnNodeComplete(int node) { completed_.Put(node); }

  // Executes the DAG; the calling thread is the scheduler's.
  void Run() {
    std::vector<std::thread> pool;
    for (int i = 0; i < cpu_threads_; ++i) {
      pool.emplace_back([this] {
        while (const std::optional<int> node = ready_.Take()) nodes_[*node].work(*this, *node);
      });
    }
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].waits_for == 0) Trigger(static_cast<int>(i));
    }
    for (std::size_t remaining = nodes_.size(); remaining > 0; --remaining) {
      Node& node = nodes_[*completed_.Take()];
      ++node.completions;
      for (const int dependent : node.dependents) {
        if (--nodes_[dependent].waits_for == 0) Trigger(dependent);
      }
    }
    ready_.Close();
    for (std::thread& thread : pool) thread.join();
  }

  // After Run.
  int triggers(int node) const { return nodes_[node].triggers; }
  int completions(int node) const { return nodes_[node].completions; }
  int nodes() const { return static_cast<int>(nodes_.size()); }

 private:
  struct Node {
    Work work;
    std::vector<int> dependents;
    std::size_t waits_for;
    int triggers;  // the scheduler's thread only, as are the completions
    int completions;
  };

  void Trigger(int node) {
    ++nodes_[node].triggers;
    ready_.Put(node);
  }

  const int cpu_threads_;
  std::vector<Node> nodes_;
  Inbox<int> ready_;
  Inbox<int> completed_;
};

}  // namespace sideloop::test
