# Sidekiq's side of the comparison: says its versions, enqueues jobs that do nothing, and starts Sidekiq on them.
# Never measures a worker (the driver does, from outside) and never touches another database than the URL's.

require "json"
require "sidekiq"

PROGRAM = File.expand_path(__FILE__).freeze # in full: a bare "sidekiq.rb" would mean the gem

# YJIT is an option of Ruby's from 3.1 on; the driver for Redis is one that Sidekiq 6 takes by name.
VARIANTS = {
  "default" => {},
  "yjit" => {"yjit" => true},
  "tuned" => {"yjit" => true, "driver" => "hiredis"},
}.freeze
BULK_SIZE = 1_000 # what the documentation recommends for one push_bulk
WARM_UP = 500

Sidekiq.logger.level = Logger::WARN

# Debian's redis gem is younger than its Sidekiq: without this it writes a line about every call of the old kind.
Redis.silence_deprecations = true if Redis.respond_to?(:silence_deprecations=)

connection = {url: ENV.fetch("REDIS_URL", "redis://127.0.0.1:6379/0")}
if ENV["VERSUS_DRIVER"]
  require "redis/connection/#{ENV["VERSUS_DRIVER"]}"
  connection[:driver] = ENV["VERSUS_DRIVER"]
end
Sidekiq.configure_server { |config| config.redis = connection }
Sidekiq.configure_client { |config| config.redis = connection }

# The job. Another body only when a trace is asked for: the measured one does nothing at all.
class Noop
  include Sidekiq::Worker

  if ENV["VERSUS_TRACE"]
    def perform(*arguments)
      File.write(ENV["VERSUS_TRACE"], "#{arguments.to_json}\n", mode: "a")
    end
  else
    def perform(text, number, options)
    end
  end
end

def versions
  names = %w[sidekiq redis hiredis connection_pool]
  found = names.to_h { |name| [name, Gem::Specification.find_all_by_name(name).map { |spec| spec.version.to_s }.max] }
  found.compact.merge("ruby" => RUBY_VERSION)
end

def arguments(number)
  ["string", number, {"mike" => "bob"}]
end

def push(queue, count, how)
  if how == "bulk"
    (0...count).each_slice(BULK_SIZE) do |numbers|
      Sidekiq::Client.push_bulk("class" => Noop, "queue" => queue, "args" => numbers.map { |number| arguments(number) })
    end
  elsif queue == "default"
    count.times { |number| Noop.perform_async(*arguments(number)) }
  else
    count.times { |number| Noop.set(queue: queue).perform_async(*arguments(number)) }
  end
end

def enqueue(count, how)
  require "sidekiq/api"
  push("warm-up", WARM_UP, how)
  Sidekiq::Queue.new("warm-up").clear
  started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  push("default", count, how)
  {"seconds" => Process.clock_gettime(Process::CLOCK_MONOTONIC) - started}
end

# This program again or Sidekiq's, so that what the variant names is in force from the first instruction.
def become(variant, url, *command)
  options = VARIANTS.fetch(variant)
  environment = {"REDIS_URL" => url, "VERSUS_DRIVER" => options["driver"], "VERSUS_READY" => "1"}
  environment["RUBYOPT"] = "--yjit" if options["yjit"]
  exec(environment, *command)
end

def main(command, url = nil, *rest)
  case command
  when "versions" then puts versions.to_json
  when "worker" then become(rest[0], url, "sidekiq", "-r", PROGRAM, "-c", "10", "-q", "default", "-e", "production")
  when "enqueue"
    become(rest[2] || "default", url, RbConfig.ruby, PROGRAM, command, url, *rest) unless ENV["VERSUS_READY"]
    puts enqueue(Integer(rest[0]), rest[1]).to_json
  else abort "no command #{command.inspect}; there are versions, enqueue, worker"
  end
end

main(*ARGV) if $PROGRAM_NAME == __FILE__
