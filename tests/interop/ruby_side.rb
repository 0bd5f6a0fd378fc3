# The Ruby side of the tests: answers each line of Ruby with the JSON of its value, or of its error.
require "json"
require "sidekiq"
require "sidekiq/api"

Sidekiq.configure_client { |config| config.redis = { url: ENV.fetch("REDIS_URL") } }

$stdout.sync = true
$stdin.each_line do |line|
  answer = begin
    { value: eval(line) }
  rescue Exception => error
    { error: "#{error.class}: #{error.message}" }
  end
  $stdout.puts JSON.generate(answer)
end
