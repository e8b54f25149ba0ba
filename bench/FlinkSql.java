// Runs the statements of a file on Flink SQL, in this process: one task slot, streaming. For each INSERT
// it prints a line of JSON: seconds from the statement to the end of its job.
//   java -cp 'JARS/*' FlinkSql.java STATEMENTS.sql
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;

public class FlinkSql {
  public static void main(String[] arguments) throws Exception {
    Configuration options = new Configuration();
    options.setString("parallelism.default", "1");
    options.setString("taskmanager.numberOfTaskSlots", "1");
    options.setString("execution.checkpointing.interval", "10s"); // Files are closed by checkpoints.
    options.setString("table.local-time-zone", "UTC");
    TableEnvironment tables =
        TableEnvironment.create(
            EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(options).build());
    for (String statement : Files.readString(Path.of(arguments[0])).split(";")) {
      if (statement.isBlank()) continue;
      long begin = System.nanoTime();
      TableResult result = tables.executeSql(statement);
      if (!statement.strip().startsWith("INSERT")) continue;
      result.await();
      System.out.printf("{\"seconds\": %.3f}%n", (System.nanoTime() - begin) / 1e9);
    }
    System.exit(0);
  }
}
