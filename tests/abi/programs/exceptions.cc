// libstdc++ over the kernel: exceptions through frames and threads, destructors, locales, streams.
#include <condition_variable>
#include <cstdio>
#include <future>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static int destroyed;

struct Counted {
    ~Counted() { destroyed++; }
};

static int deep(int n)
{
    Counted counted;
    if (n == 0)
        throw std::runtime_error("from the deep");
    return deep(n - 1) + 1;
}

static thread_local Counted per_thread;

int main()
{
    try {
        deep(20);
    } catch (const std::exception &error) {
        std::printf("%s, %d destroyed\n", error.what(), destroyed);
    }
    try {
        try {
            throw 5;
        } catch (...) {
            std::throw_with_nested(std::logic_error("nested"));
        }
    } catch (const std::logic_error &error) {
        std::printf("%s\n", error.what());
        try {
            std::rethrow_if_nested(error);
        } catch (int number) {
            std::printf("around %d\n", number);
        }
    }
    destroyed = 0;
    std::thread([] { (void)&per_thread; }).join();
    std::printf("per thread: %d\n", destroyed);
    auto future = std::async(std::launch::async, []() -> int { throw std::out_of_range("in a thread"); });
    try {
        future.get();
    } catch (const std::out_of_range &error) {
        std::printf("%s\n", error.what());
    }
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::thread> threads;
    int sum = 0, ready = 0;
    for (int i = 0; i < 4; i++)
        threads.emplace_back([&, i] {
            std::lock_guard lock(mutex);
            sum += i;
            ready++;
            changed.notify_one();
        });
    {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return ready == 4; });
    }
    for (auto &thread : threads)
        thread.join();
    std::ostringstream text;
    text << sum << ' ' << 1.5 << ' ' << std::boolalpha << true;
    std::printf("%s\n", text.str().c_str());
    try {
        std::vector<int>().at(3);
    } catch (const std::out_of_range &) {
        std::printf("out of range\n");
    }
    auto shared = std::make_shared<Counted>();
    std::weak_ptr<Counted> weak = shared;
    shared.reset();
    std::printf("expired %d\n", weak.expired());
}
