import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import ENGINE.common.settings.Settings;
import ENGINE.env.Environment;
import ENGINE.node.InternalSettingsPreparer;
import ENGINE.node.Node;
import ENGINE.plugins.Plugin;

/** A single node for tests, from what Maven fetched: EngineNode PORT HOME PLUGIN... */
public final class EngineNode extends Node {
    private EngineNode(Environment environment, List<Class<? extends Plugin>> plugins) {
        super(environment, plugins, false);
    }

    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[1]).toAbsolutePath();
        Path configuration = Files.createDirectories(home.resolve("config"));
        List<Class<? extends Plugin>> plugins = new ArrayList<>();
        for (int i = 2; i < arguments.length; i++) {
            plugins.add(Class.forName(arguments[i]).asSubclass(Plugin.class));
        }
        Settings settings = Settings.builder()
            .put("path.home", home.toString())
            .put("cluster.name", "clew-tests")
            .put("discovery.type", "single-node")
            .put("network.host", "127.0.0.1")
            .put("http.port", arguments[0])
            .put("transport.port", "0")
            .putList("path.repo", home.resolve("snapshots").toString())
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        Environment environment =
            InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), configuration, () -> "clew-tests");
        EngineNode node = new EngineNode(environment, plugins);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            try {
                node.close();
            } catch (Exception error) {
                error.printStackTrace();
            }
        }));
        node.start();
        new CountDownLatch(1).await(); // its threads do not keep the process alive
    }
}
