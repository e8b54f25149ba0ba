// Runs the statements of a file on Flink SQL, in this process, streaming, with one task slot unless told otherwise.
// For each INSERT it writes a line of JSON: seconds from the statement to the end of its job.
//   java -Dparallelism=1 -cp 'JARS/*' FlinkSql.java STATEMENTS.sql SECONDS.json
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;

public class FlinkSql {
  public static void main(String[] arguments) throws Exception {
    Configuration options = new Configuration();
    String parallelism = System.getProperty("parallelism", "1");
    options.setString("parallelism.default", parallelism);
    options.setString("taskmanager.numberOfTaskSlots", parallelism);
    options.setString("execution.checkpointing.interval", "2s"); // A job ends with its next checkpoint.
    options.setString("execution.checkpointing.storage", "filesystem"); // In memory there is room for 5 MB.
    options.setString(
        "execution.checkpointing.dir", Path.of(arguments[0]).toUri() + ".checkpoints");
    options.setString("restart-strategy.type", "disable");
    options.setString("table.local-time-zone", "UTC");
    TableEnvironment tables =
        TableEnvironment.create(
            EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(options).build());
    PrintWriter seconds = new PrintWriter(Files.newBufferedWriter(Path.of(arguments[1])), true);
    for (String statement : Files.readString(Path.of(arguments[0])).split(";")) {
      if (statement.isBlank()) continue;
      long begin = System.nanoTime();
      TableResult result = tables.executeSql(statement);
      if (!statement.strip().startsWith("INSERT")) continue;
      result.await();
      seconds.printf("{\"seconds\": %.3f}%n", (System.nanoTime() - begin) / 1e9);
    }
    System.exit(0);
  }
}
